//! Answers with a fault.

use std::io;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::connection::{Then, Wire};
use super::{Reply, Request, Service, Twist, bomb};
use crate::fault::{Fault, Hit, RetryAfter, SessionEnd, alter};

/// A login page, as a proxy in front of a vendor sends it.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
<body><form method=\"post\" action=\"/login\"><input name=\"user\"></form></body></html>\n";
/// How large a piece of an endless body is.
const PIECE: usize = 64 * 1024;

/// Answers a request with the fault that hit it.
pub(super) async fn respond<S: Service>(
    wire: &mut Wire,
    service: &S,
    request: &Request,
    hit: Hit,
) -> io::Result<Then> {
    if let Some(reply) = instead::<S>(service, request, hit.fault) {
        service.refused(request, reply.status);
        return wire.send(&reply, request).await;
    }
    if hit.fault == Fault::ResetBeforeHeaders {
        service.refused(request, 0);
        return Ok(Then::Reset);
    }
    let reply = service.answer(request, twist(hit));
    let Some(reply) = altered::<S>(service, request, hit, reply.clone()) else {
        service.faults().give_back(hit);
        service.faults().remember(request, &reply);
        return wire.send(&reply, request).await;
    };
    broken::<S>(wire, service, request, hit.fault, &reply).await
}

/// What is answered without asking the vendor.
fn instead<S: Service>(service: &S, request: &Request, fault: Fault) -> Option<Reply> {
    let failure = |status, message| {
        let body = format!(r#"{{"success":false,"message":"{message}"}}"#);
        Reply::json(status, body)
    };
    let host = request.header("host").unwrap_or("127.0.0.1");
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let path = &request.path;
    Some(match fault {
        Fault::TooManyRequests(wait) => {
            let reply = failure(429, "Too many requests");
            match wait {
                RetryAfter::Seconds(seconds) => reply.header("retry-after", seconds.to_string()),
                RetryAfter::Date(seconds) => {
                    let at = service.clock() + i64::from(seconds) * 1000;
                    reply.header("retry-after", crate::times::http_date(at))
                }
                RetryAfter::Garbage => reply.header("retry-after", "in a while; -1"),
                RetryAfter::Missing => reply,
            }
        }
        Fault::ServerErrors(_) => failure(500, "Internal server error"),
        Fault::Forbidden => failure(403, "Forbidden"),
        Fault::LoginPage => Reply::json(200, PAGE).content_type("text/html; charset=utf-8"),
        Fault::RedirectToHttp => {
            Reply::json(302, "").header("location", format!("http://{name}:80{path}"))
        }
        Fault::RedirectElsewhere => Reply::json(302, "").header(
            "location",
            format!("http://localhost:{port}/elsewhere{path}"),
        ),
        _ => return None,
    })
}

/// What the fault asks of the vendor.
fn twist(hit: Hit) -> Option<Twist> {
    match hit.fault {
        Fault::EmptyList => Some(Twist::Empty),
        Fault::ShortList => Some(Twist::Short),
        Fault::TiesAtBorder => Some(Twist::Ties),
        Fault::ExpiredToken => Some(Twist::Expired(SessionEnd::default())),
        Fault::SessionEnds(end) => Some(Twist::Expired(end)),
        Fault::MovingRecords => Some(Twist::Moving),
        Fault::ClockAhead => Some(Twist::Clock(if hit.nth == 0 { 1 } else { 0 })),
        Fault::ClockBehind => Some(Twist::Clock(if hit.nth == 0 { -1 } else { 0 })),
        _ => None,
    }
}

/// The answer with what the fault makes of its body; `None` if the fault does
/// not suit this answer, such as where a record is missing to be broken.
fn altered<S: Service>(
    service: &S,
    request: &Request,
    hit: Hit,
    mut reply: Reply,
) -> Option<Reply> {
    if twist(hit).is_some() {
        return reply.twisted.then_some(reply);
    }
    if hit.fault == Fault::DuplicatePage {
        let before = service.faults().last_page(request)?;
        reply.body = Some(before).filter(|before| *before != reply.body)?;
        return (reply.status == 200).then_some(reply);
    }
    if let Some(change) = alter::change_of(hit.fault) {
        if reply.status != 200 {
            return None;
        }
        reply.body = change(&S::SHAPE, &reply.body)?;
    }
    Some(reply)
}

/// Sends an answer, broken on the wire if the fault is one of the wire.
async fn broken<S: Service>(
    wire: &mut Wire,
    service: &S,
    request: &Request,
    fault: Fault,
    reply: &Reply,
) -> io::Result<Then> {
    let body = &reply.body;
    let third = body.slice(..body.len() / 3);
    match fault {
        Fault::ResetMidBody => {
            wire.put(&reply.head(true), &third).await?;
            Ok(Then::Reset)
        }
        Fault::LengthTooLong => {
            let length = format!("content-length: {}", body.len() + 512);
            wire.put(&reply.head_of(&length, true), body).await?;
            Ok(Then::Close)
        }
        Fault::LengthTooShort => {
            let length = format!("content-length: {}", body.len() * 2 / 3);
            wire.put(&reply.head_of(&length, true), body).await?;
            Ok(Then::Close)
        }
        Fault::NoAnswer => {
            if !service.faults().hold(wire.gone()).await {
                return Ok(Then::Close);
            }
            wire.send(reply, request).await
        }
        Fault::SlowBody => {
            wire.put(&reply.head(request.keep_alive), &third).await?;
            if !service.faults().hold(wire.gone()).await {
                return Ok(Then::Close);
            }
            wire.put("", &body.slice(third.len()..)).await?;
            Ok(Then::GoOn)
        }
        Fault::EndlessBody => {
            wire.put(
                &reply.head_of("transfer-encoding: chunked", true),
                &Bytes::new(),
            )
            .await?;
            let forever = endless(wire, S::SHAPE.list);
            tokio::select! {
                ended = forever => ended,
                () = service.faults().released() => Ok(Then::Reset),
            }
        }
        Fault::GzipBomb => {
            let bomb = bomb::gzip(S::SHAPE.list, S::SHAPE.list_end)?;
            let mut packed = reply.clone().header("content-encoding", "gzip");
            packed.body = bomb;
            wire.send(&packed, request).await
        }
        _ => wire.send(reply, request).await,
    }
}

/// Sends chunks of a list without an end.
async fn endless(wire: &mut Wire, list: &str) -> io::Result<Then> {
    wire.put(&format!("{:x}\r\n{list}\r\n", list.len()), &Bytes::new())
        .await?;
    let mut piece = String::with_capacity(PIECE + 64);
    while piece.len() < PIECE {
        piece.push_str(r#"{"id":"endless000","note":"and so on"},"#);
    }
    let chunk = Bytes::from(format!("{:x}\r\n{piece}\r\n", piece.len()));
    let cancel = wire.cancel.clone();
    loop {
        tokio::select! {
            sent = wire.put("", &chunk) => sent?,
            () = cancel.cancelled() => return Ok(Then::Reset),
        }
    }
}

impl Wire {
    /// Sends bytes as they are.
    async fn put(&mut self, head: &str, body: &Bytes) -> io::Result<()> {
        if !head.is_empty() {
            self.stream.write_all(head.as_bytes()).await?;
        }
        self.stream.write_all(body).await
    }
}
