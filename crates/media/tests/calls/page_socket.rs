//! The page fetches a call's pictures over the loopback WebSocket.

use crate::duet::{Duet, Side, WAIT};
use futures_util::{SinkExt, StreamExt};
use im_call::media::{MediaEvent, PictureUrls};
use im_media::{
    EngineConfig,
    video::{barcode, input::VideoInput, vpx},
};
use im_protocol::call::MediaKinds;
use std::time::Instant;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Bytes, Error, Message, client::IntoClientRequest, http::StatusCode},
};

const APP: &str = "tauri://localhost";
const HEADER: usize = 20;

struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    async fn open(url: &str, origin: &str) -> Result<Self, Error> {
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next picture's head and body; none when the socket is closed.
    async fn picture(&mut self) -> Option<(Head, Bytes)> {
        let message = timeout(WAIT, self.0.next()).await.expect("a message");
        match message? {
            Ok(Message::Binary(data)) => Some((Head::read(&data), data.slice(HEADER..))),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    i420: bool,
    key: bool,
    width: usize,
    height: usize,
    number: u32,
    timestamp_us: u64,
}

impl Head {
    fn read(data: &[u8]) -> Self {
        let word = |at: usize| usize::from(u16::from_le_bytes([data[at], data[at + 1]]));
        Self {
            i420: data[0] == 1,
            key: data[1] & 1 == 1,
            width: word(2),
            height: word(4),
            number: u32::from_le_bytes(data[8..12].try_into().unwrap()),
            timestamp_us: u64::from_le_bytes(data[12..20].try_into().unwrap()),
        }
    }
}

async fn call() -> (Duet, PictureUrls) {
    let pattern = VideoInput::Pattern {
        width: 320,
        height: 180,
        frames_per_second: 30,
    };
    let maya = EngineConfig {
        video_input: pattern.clone(),
        page: true,
        ..EngineConfig::headless()
    };
    let sam = EngineConfig {
        video_input: pattern,
        ..EngineConfig::headless()
    };
    let mut duet = Duet::open(maya, sam, MediaKinds::VIDEO);
    let urls = pictures(&mut duet).await;
    duet.connect().await;
    (duet, urls)
}

async fn pictures(duet: &mut Duet) -> PictureUrls {
    let told = duet
        .wait_for(Side::Maya, |event| matches!(event, MediaEvent::Pictures(_)))
        .await;
    let MediaEvent::Pictures(urls) = told else {
        panic!("no addresses");
    };
    urls
}

fn status(refused: Result<Page, Error>) -> StatusCode {
    match refused {
        Err(Error::Http(response)) => response.status(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_streams_begin_with_a_key_frame_and_decode_without_a_gap() {
    let (mut duet, urls) = call().await;
    duet.wait_for_more_pictures().await;
    for url in [&urls.remote, &urls.own] {
        let mut page = Page::open(url, APP).await.unwrap();
        let mut decoder = vpx::Decoder::new().unwrap();
        let mut last: Option<(u32, Head)> = None;
        for count in 0..40 {
            let (head, frame) = page.picture().await.expect("a picture");
            assert!(!head.i420 && (head.width, head.height) == (320, 180));
            assert_eq!(head.key, frame[0] & 1 == 0, "the flag is the frame's own");
            assert!(head.key || count > 0, "begins with a key frame");
            let shown = decoder.decode(&frame, Instant::now()).unwrap().unwrap();
            let number = barcode::read(shown.planes().y, 320, 180, 320).expect("a number");
            if let Some((before, before_head)) = last {
                assert!(number > before && head.timestamp_us > before_head.timestamp_us);
                assert!(head.key || head.number == before_head.number + 1);
            }
            last = Some((number, head));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_a_decoder_gets_pictures_decoded() {
    let (mut duet, urls) = call().await;
    duet.wait_for_more_pictures().await;
    for url in [&urls.remote, &urls.own] {
        let mut page = Page::open(url, APP).await.unwrap();
        page.say(r#"{"format":"i420"}"#).await;
        let mut decoded = 0;
        while decoded < 10 {
            let (head, body) = page.picture().await.expect("a picture");
            if head.i420 {
                decoded += 1;
                assert_eq!(body.len(), 320 * 180 * 3 / 2);
                assert!(barcode::read(&body, 320, 180, 320).is_some());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_asks_gets_a_key_frame_and_after_a_pause_too() {
    let (mut duet, urls) = call().await;
    duet.wait_for_more_pictures().await;
    let mut page = Page::open(&urls.remote, APP).await.unwrap();
    for wish in [r#"{"want":"key"}"#, r#"{"pause":true}"#] {
        while page.picture().await.expect("a picture").0.key {}
        page.say(wish).await;
        // The pause is over at once; what was on its way may still come.
        page.say(r#"{"pause":false}"#).await;
        while !page.picture().await.expect("a picture").0.key {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_kept_out() {
    let (mut duet, urls) = call().await;
    for origin in [
        "https://example.org",
        "http://localhost.example.org",
        "http://127.0.0.1:80:80",
        "null",
    ] {
        let refused = Page::open(&urls.remote, origin).await;
        assert_eq!(status(refused), StatusCode::FORBIDDEN);
    }
    let wrong = urls.remote.replace("/remote?", "/own?");
    assert_eq!(status(Page::open(&wrong, APP).await), StatusCode::FORBIDDEN);
    let (bare, _) = urls.remote.split_once('?').unwrap();
    assert_eq!(status(Page::open(bare, APP).await), StatusCode::FORBIDDEN);
    // None of that used the token up; opening does.
    let page = Page::open(&urls.remote, APP).await.unwrap();
    assert_eq!(
        status(Page::open(&urls.remote, APP).await),
        StatusCode::FORBIDDEN
    );
    // When the page leaves, new addresses are told.
    drop(page);
    let fresh = pictures(&mut duet).await;
    assert_ne!(fresh.remote, urls.remote);
    assert_eq!(fresh.own, urls.own, "never used");
    let mut page = Page::open(&fresh.remote, "http://127.0.0.1:5173")
        .await
        .unwrap();
    assert!(page.picture().await.expect("a picture").0.key);
}
