//! Servers that speak another protocol, or none at all.

use super::device::Device;
use im_contract::ErrorKind;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Something that answers every request with these words.
async fn answers(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

async fn refusal(status: &'static str, body: &'static str) -> ErrorKind {
    let server = answers(status, body).await;
    let device = Device::new(&server).await;
    device.sign_in("Maya").await.unwrap_err().kind
}

#[tokio::test]
async fn a_newer_server_wants_a_newer_app() {
    let body = r#"{"protocol":90,"min_protocol":80,"server":"future/9","more":true}"#;
    assert_eq!(refusal("200 OK", body).await, ErrorKind::AppTooOld);
}

#[tokio::test]
async fn an_older_server_is_told_apart() {
    let body = r#"{"protocol":0,"min_protocol":0,"server":"past/0"}"#;
    assert_eq!(refusal("200 OK", body).await, ErrorKind::ServerTooOld);
}

#[tokio::test]
async fn something_else_that_answers_is_no_server_of_ours() {
    for (status, body, kind) in [
        ("200 OK", "<html>It works!</html>", ErrorKind::NotAServer),
        ("404 Not Found", "nothing here", ErrorKind::NotAServer),
        ("302 Found", "elsewhere", ErrorKind::NotAServer),
        ("502 Bad Gateway", "<html>", ErrorKind::ServerUnreachable),
    ] {
        assert_eq!(refusal(status, body).await, kind, "{status}");
    }
}
