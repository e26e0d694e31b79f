//! The way to the engine's socket: a connection for each request, with a limit to what is read of the answer.
//!
//! What an answer holds (labels, names, paths) is decided by whoever made an image or a container.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{BollardRequest, ClientVersion, Docker, body_full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How much of an answer is read. More is an error of the kind [`io::ErrorKind::FileTooLarge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// One answer, with its headers: bytes.
    Whole(usize),
    /// A series of lines: bytes of each; more than what one read may return.
    Line(usize),
    /// What is passed on as it comes.
    None,
}

/// A client of the engine behind this socket; asks nothing.
///
/// # Errors
/// Never, as the client library is today.
pub fn client(socket: String, timeout: Duration, version: &ClientVersion, limit: Limit) -> Result<Docker, Error> {
    let send = move |request| send(socket.clone(), limit, request);
    Docker::connect_with_custom_transport(send, Some("http://docker"), timeout.as_secs(), version)
}

/// The newest version of the Engine API that the engine speaks, which it says with `GET /_ping`. To answer `GET /version` it asks
/// containerd and runc for theirs: 6 ms instead of 0.2.
///
/// # Errors
/// There is no answer in time, or it is no engine's.
pub async fn newest_version(socket: String, within: Duration, limit: Limit) -> Result<ClientVersion, Error> {
    let request = Request::get("/_ping").body(body_full(Bytes::new()))?;
    let answer = timeout(within, send(socket, limit, request)).await.map_err(|_| Error::RequestTimeoutError)??;
    let told = answer.headers().get("Api-Version").and_then(|version| version.to_str().ok());
    let (major, minor) = told.and_then(|version| version.split_once('.')).ok_or(Error::APIVersionParseError {})?;
    let number = |digits: &str| digits.parse().map_err(|_| Error::APIVersionParseError {});
    Ok(ClientVersion { major_version: number(major)?, minor_version: number(minor)? })
}

/// Connects to the engine's socket.
///
/// # Errors
/// Nothing listens there, or this user may not connect: in words that say what to do.
pub async fn connect(path: &str) -> io::Result<UnixStream> {
    let explained = |error: io::Error| {
        let text = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("there is no socket {path}: Docker is not installed or not running (systemctl status docker)")
            }
            io::ErrorKind::ConnectionRefused => {
                format!("nothing listens at {path}: Docker is not running (systemctl status docker)")
            }
            io::ErrorKind::PermissionDenied => {
                format!("no permission to use the engine at {path}: run as root, or as a member of the group docker")
            }
            _ => format!("cannot connect to {path}: {error}"),
        };
        io::Error::new(error.kind(), text)
    };
    UnixStream::connect(path).await.map_err(explained)
}

async fn send(path: String, limit: Limit, mut request: BollardRequest) -> Result<Response<Incoming>, Error> {
    let stream = Limited { stream: connect(&path).await?, limit, read: 0 };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer; what goes wrong shows in that.
    tokio::spawn(connection.with_upgrades());
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    Ok(sender.send_request(request).await?)
}

/// A stream that ends with an error where its limit is passed.
struct Limited {
    stream: UnixStream,
    limit: Limit,
    /// So far: bytes of the answer or the line.
    read: usize,
}

impl Limited {
    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (limit, start) = match self.limit {
            Limit::None => return Ok(()),
            Limit::Whole(limit) => (limit, None),
            Limit::Line(limit) => (limit, bytes.iter().rposition(|byte| *byte == b'\n')),
        };
        self.read = start.map_or(self.read + bytes.len(), |start| bytes.len() - start);
        if self.read <= limit {
            return Ok(());
        }
        let text = format!("the engine's answer is longer than {} MiB", limit >> 20);
        Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.count(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use bollard::query_parameters::EventsOptions;
    use futures_util::StreamExt;

    use super::*;
    use crate::engine::EngineError;

    /// Something that answers each request with this body.
    fn engine(body: String) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket").display().to_string();
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _request = stream.read(&mut [0; 4096]).unwrap();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let _the_client_has_left =
                    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        (directory, path)
    }

    fn client(path: &str, limit: Limit) -> Docker {
        super::client(path.to_owned(), Duration::from_secs(60), bollard::API_DEFAULT_VERSION, limit).unwrap()
    }

    fn image(label: usize) -> String {
        format!(r#"{{"Id": "sha256:1", "Config": {{"Labels": {{"a": "{}"}}}}}}"#, "x".repeat(label))
    }

    #[tokio::test]
    async fn no_more_is_read_of_an_answer_than_the_limit() {
        let (_directory, path) = engine(image(100_000));
        assert!(client(&path, Limit::Whole(200_000)).inspect_image("a").await.is_ok());
        assert!(client(&path, Limit::None).inspect_image("a").await.is_ok());
        let error = client(&path, Limit::Whole(50_000)).inspect_image("a").await.unwrap_err();
        assert!(matches!(EngineError::from(error), EngineError::TooLarge(_)));
    }

    #[tokio::test]
    async fn a_line_has_a_limit_and_lines_have_none() {
        let event = |name: usize| format!("{{\"id\": \"{}\"}}\n", "x".repeat(name));
        let (_directory, path) = engine(event(100_000).repeat(20) + &event(5_000_000) + &event(1));
        let lines = client(&path, Limit::Line(1_000_000));
        let events: Vec<_> = lines.events(None::<EventsOptions>).collect().await;
        // Those that come together with the start of the long one go with it.
        let whole = events.iter().filter(|event| event.is_ok()).count();
        assert!((10..=20).contains(&whole), "{whole}");
        assert!(events.last().is_some_and(Result::is_err));
    }
}
