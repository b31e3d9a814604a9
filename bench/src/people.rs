//! Who the load plays at our server: mentors and students in pairs, each pair with a conversation
//! about a course. Made through the server's own doors.

use crate::line::Seat;
use anyhow::{Context as _, bail};
use im_protocol::{
    DeviceId,
    handshake::{Auth, Versions},
    rest::{AcceptInvitation, Device, Register, SignedIn},
};
use im_testkit::{
    ServerProcess,
    server::{PASSWORD, email},
};
use serde::Serialize;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Makes so many pairs. A mentor's seat comes first, then their student's.
///
/// # Errors
/// Where the server refuses.
pub async fn pairs(server: &ServerProcess, count: usize) -> anyhow::Result<Vec<Seat>> {
    let mut seats = Vec::with_capacity(2 * count);
    for number in 0..count {
        let (mentor, student) = (format!("Maya{number}"), format!("Sam{number}"));
        let maya = enter_mentor(server, &mentor).await?;
        let sam = enter_student(server, &student).await?;
        let course = format!("Course {number}");
        let conversation = server.course(&course, &mentor, &student).await?;
        for (name, auth) in [(mentor, maya), (student, sam)] {
            seats.push(Seat {
                name,
                url: server.url().to_owned(),
                auth: serde_json::to_value(auth)?,
                conversation,
                feed: true,
            });
        }
    }
    Ok(seats)
}

/// Makes a mentor and so many students of theirs, each with a course of their own. The mentor's seat
/// comes first; its conversation is that with the first student.
///
/// # Errors
/// Where the server refuses.
pub async fn class(
    server: &ServerProcess,
    mentor: &str,
    students: usize,
) -> anyhow::Result<Vec<Seat>> {
    let at = |name: &str, auth: &Auth, conversation| {
        anyhow::Ok(Seat {
            name: name.to_owned(),
            url: server.url().to_owned(),
            auth: serde_json::to_value(auth)?,
            conversation,
            feed: true,
        })
    };
    let maya = enter_mentor(server, mentor).await?;
    let mut seats = Vec::with_capacity(students + 1);
    for number in 0..students {
        let name = format!("Student{number}");
        let student = enter_student(server, &name).await?;
        let course = format!("Course {number}");
        let conversation = server.course(&course, mentor, &name).await?;
        if seats.is_empty() {
            seats.push(at(mentor, &maya, conversation)?);
        }
        seats.push(at(&name, &student, conversation)?);
    }
    Ok(seats)
}

/// The same seats at Node's server, which knows nobody and takes everybody.
#[must_use]
pub fn at_node(seats: &[Seat], url: &str) -> Vec<Seat> {
    let seat = |seat: &Seat| Seat {
        name: seat.name.clone(),
        url: url.to_owned(),
        auth: json!({ "conversation": seat.conversation }),
        conversation: seat.conversation,
        feed: false,
    };
    seats.iter().map(seat).collect()
}

async fn enter_mentor(server: &ServerProcess, name: &str) -> anyhow::Result<Auth> {
    let address = email(name);
    let invited = server
        .admin(&["invite", "--email", &address, "--role", "mentor"])
        .await?;
    let code = invited
        .lines()
        .find_map(|line| line.strip_prefix("invitation code: "))
        .context("the server names no invitation code")?;
    let device = device();
    let accepted = AcceptInvitation {
        code: code.to_owned(),
        password: PASSWORD.to_owned(),
        name: name.to_owned(),
        device: device.clone(),
    };
    let signed_in = post(server.url(), "/v1/auth/accept-invitation", &accepted).await?;
    Ok(auth(signed_in, device.id))
}

async fn enter_student(server: &ServerProcess, name: &str) -> anyhow::Result<Auth> {
    let device = device();
    let register = Register {
        email: email(name),
        password: PASSWORD.to_owned(),
        name: name.to_owned(),
        device: device.clone(),
    };
    let signed_in = post(server.url(), "/v1/auth/register", &register).await?;
    Ok(auth(signed_in, device.id))
}

fn device() -> Device {
    Device {
        id: DeviceId::new(),
        name: "bench".to_owned(),
    }
}

fn auth(signed_in: SignedIn, device: DeviceId) -> Auth {
    Auth {
        token: signed_in.tokens.access_token,
        versions: Versions::OURS,
        app: concat!("bench/", env!("CARGO_PKG_VERSION")).to_owned(),
        features: Vec::new(),
        device,
    }
}

/// One request on a connection of its own.
async fn post(url: &str, path: &str, body: &impl Serialize) -> anyhow::Result<SignedIn> {
    let body = serde_json::to_vec(body)?;
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    match serde_json::from_str(body) {
        Ok(signed_in) => Ok(signed_in),
        Err(_) => bail!(
            "{path} is refused: {}",
            head.lines().next().unwrap_or_default()
        ),
    }
}
