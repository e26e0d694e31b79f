//! A container's output as the engine keeps it (`GET /containers/{id}/logs`, Engine API 1.44), message by message.
//!
//! The client library keeps what a terminal prints until a line ends, however long that takes; here a message has the size that
//! the engine gives it, 16 KiB at most.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::{Engine, EngineError, socket, transport};

/// Enough to read many messages at once, if many come.
const READ_BUFFER: usize = 64 << 10;

/// The longest part of a refusal that is read.
const LONGEST_REFUSAL: usize = 16 << 10;

/// `2026-01-31T12:00:00.000000000Z`
const STAMP: usize = 30;

/// A message of a terminal that has as much text, and no line break, is a part of a line (the engine's log copier has no larger
/// buffer).
const LONGEST_PART: usize = 16 << 10;

/// The stream, each part of output, three zeros, the length (Engine API, ContainerAttach, "Stream format").
const HEADER: usize = 8;

/// What a container printed: a line, or a part of one that has no line break at its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Printed<'a> {
    pub is_stderr: bool,
    /// When the engine took it; parts of one line have the same.
    pub stamp: &'a str,
    pub text: &'a [u8],
}

/// Which output is read.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest<'a> {
    pub id: &'a str,
    /// Seconds of the epoch, with fractions: what is stamped earlier is left out.
    pub since: &'a str,
    pub tty: bool,
}

/// Output, from one point on.
pub struct Logs {
    body: Incoming,
    messages: Messages,
}

impl Engine {
    /// The container's output, until it ends.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if there is no such container.
    pub async fn follow_logs(&self, request: &LogRequest<'_>) -> Result<Logs, EngineError> {
        self.logs(request, "follow=1").await
    }

    /// Whether the engine still has the line of one of the two streams that has this stamp.
    ///
    /// # Errors
    /// As [`Self::follow_logs`].
    pub async fn has_line(&self, request: &LogRequest<'_>, is_stderr: bool, stamp: &str) -> Result<bool, EngineError> {
        let mut logs = self.logs(request, "follow=0").await?;
        while logs.more().await? {
            while let Some(printed) = logs.take() {
                if printed.is_stderr == is_stderr && printed.stamp == stamp {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn logs(&self, request: &LogRequest<'_>, follow: &str) -> Result<Logs, EngineError> {
        let LogRequest { id, since, tty } = *request;
        let stream = transport::connect(&socket()?).await.map_err(EngineError::no_answer)?;
        let handshake = http1::Builder::new().max_buf_size(READ_BUFFER).handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(EngineError::no_answer)?;
        tokio::spawn(connection);
        let (major, minor) = self.api_version();
        let query = format!("{follow}&stdout=1&stderr=1&timestamps=1&since={since}");
        let request = Request::get(format!("/v{major}.{minor}/containers/{id}/logs?{query}")).header(HOST, "docker");
        let request = request.body(String::new()).map_err(EngineError::no_answer)?;
        let response = sender.send_request(request).await.map_err(EngineError::no_answer)?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(Logs { body: response.into_body(), messages: Messages::new(tty) });
        }
        let body = Limited::new(response.into_body(), LONGEST_REFUSAL).collect().await;
        let why = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()).unwrap_or_default();
        Err(EngineError::of_status(status.as_u16(), why))
    }
}

impl Logs {
    /// Waits for more output; `false`: there is no more.
    ///
    /// # Errors
    /// The engine went away.
    pub async fn more(&mut self) -> Result<bool, EngineError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(EngineError::no_answer)?.into_data() {
                self.messages.add(&data);
                return Ok(true);
            }
        }
        self.messages.is_complete = true;
        Ok(false)
    }

    /// The next message, if it has come as a whole.
    pub fn take(&mut self) -> Option<Printed<'_>> {
        self.messages.take()
    }
}

/// Cuts the answer's body into messages.
struct Messages {
    tty: bool,
    held: Vec<u8>,
    /// So much of it was handed out.
    done: usize,
    is_complete: bool,
}

impl Messages {
    fn new(tty: bool) -> Self {
        Self { tty, held: Vec::new(), done: 0, is_complete: false }
    }

    fn add(&mut self, data: &[u8]) {
        self.held.drain(..self.done);
        self.done = 0;
        self.held.extend_from_slice(data);
    }

    fn take(&mut self) -> Option<Printed<'_>> {
        let rest = &self.held[self.done..];
        let (header, end) = if self.tty { (0, self.end_on_terminal(rest)?) } else { (HEADER, end_of_part(rest)?) };
        let begin = self.done;
        self.done += end;
        let part = &self.held[begin..self.done];
        let (stamp, text) = part[header..].split_at_checked(STAMP)?;
        Some(Printed {
            is_stderr: !self.tty && part[0] == 2,
            stamp: str::from_utf8(stamp).unwrap_or_default(),
            text: text.strip_prefix(b" ").unwrap_or(text),
        })
    }

    /// A terminal's messages have no headers: the next one begins after a line break, or after as much as a part can have.
    fn end_on_terminal(&self, rest: &[u8]) -> Option<usize> {
        let text = rest.get(STAMP + 1..)?;
        let longest = &text[..text.len().min(LONGEST_PART)];
        let end = match longest.iter().position(|byte| *byte == b'\n') {
            Some(line_break) => line_break + 1,
            None if longest.len() == LONGEST_PART || self.is_complete => longest.len(),
            None => return None,
        };
        Some(STAMP + 1 + end)
    }
}

fn end_of_part(rest: &[u8]) -> Option<usize> {
    let (header, part) = rest.split_first_chunk::<HEADER>()?;
    let [.., a, b, c, d] = *header;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    (part.len() >= length).then_some(HEADER + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-01-31T12:00:00.000000000Z";

    fn all(tty: bool, body: &[u8], size: usize) -> Vec<(bool, String, Vec<u8>)> {
        let mut messages = Messages::new(tty);
        let mut found = Vec::new();
        for data in body.chunks(size) {
            messages.add(data);
            while let Some(printed) = messages.take() {
                found.push((printed.is_stderr, printed.stamp.to_owned(), printed.text.to_owned()));
            }
        }
        messages.is_complete = true;
        found.extend(
            messages.take().map(|printed| (printed.is_stderr, printed.stamp.to_owned(), printed.text.to_owned())),
        );
        found
    }

    #[test]
    fn messages_are_the_same_however_the_body_is_cut() {
        let mut body = Vec::new();
        for (stream, text) in [(1, "out\n"), (2, "err"), (1, "\n")] {
            let part = format!("{AT} {text}");
            body.extend([stream, 0, 0, 0]);
            body.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
            body.extend(part.bytes());
        }
        let at = AT.to_owned();
        let expected = vec![
            (false, at.clone(), b"out\n".to_vec()),
            (true, at.clone(), b"err".to_vec()),
            (false, at.clone(), b"\n".to_vec()),
        ];
        for size in [1, 2, 7, 39, 1000] {
            assert_eq!(all(false, &body, size), expected, "{size}");
        }
    }

    #[test]
    fn a_terminal_that_never_ends_its_line_is_cut_as_the_engine_cuts_it() {
        let part = "x".repeat(LONGEST_PART);
        let body = format!("{AT} a b\r\n{AT} {part}{AT} {part}{AT} end");
        let at = AT.to_owned();
        let expected = vec![
            (false, at.clone(), b"a b\r\n".to_vec()),
            (false, at.clone(), part.clone().into_bytes()),
            (false, at.clone(), part.clone().into_bytes()),
            (false, at, b"end".to_vec()),
        ];
        for size in [1, 4096, 100_000] {
            assert_eq!(all(true, body.as_bytes(), size), expected, "{size}");
        }
    }
}
