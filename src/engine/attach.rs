//! The raw stream of a container's output (`POST /containers/{id}/attach`, Engine API 1.44), as it comes from the socket.
//!
//! The engine holds about a megabyte of it for who does not read; then the container's writes wait. The client library would read
//! ahead, so the request is made by hand, with nothing of HTTP left once it is answered.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::time::timeout;

use super::{Engine, EngineError, socket, transport};

/// An answer's headers are far shorter.
const LONGEST_HEADERS: usize = 4096;

/// The engine answers at once, also while the container has not been started.
const ANSWER: Duration = Duration::from_secs(10);

impl Engine {
    /// Attaches to standard output and standard error, from now on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if there is no such container.
    pub async fn attach(&self, id: &str) -> Result<UnixStream, EngineError> {
        let (major, minor) = self.api_version();
        let request = format!(
            "POST /v{major}.{minor}/containers/{id}/attach?stream=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: docker\r\n\
             Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
        );
        let socket = socket()?;
        let attached = timeout(ANSWER, upgraded(&socket, request.as_bytes())).await;
        let (stream, status) = attached.map_err(|_| EngineError::Hangs)?.map_err(EngineError::no_answer)?;
        match status {
            101 | 200 => Ok(stream),
            other => Err(EngineError::of_status(other, format!("cannot attach to the container: status {other}"))),
        }
    }
}

/// The connection after the answer's headers, and the status of the answer.
async fn upgraded(socket: &str, request: &[u8]) -> io::Result<(UnixStream, u16)> {
    let stream = transport::connect(socket).await?;
    let mut sent = 0;
    while sent < request.len() {
        stream.writable().await?;
        match stream.try_write(&request[sent..]) {
            Ok(written) => sent += written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            Err(error) => return Err(error),
        }
    }
    let mut headers = Vec::new();
    while !headers.ends_with(b"\r\n\r\n") {
        if headers.len() >= LONGEST_HEADERS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut buffer = [0; 512];
        // Looked at first, so that nothing of the output is taken with the headers.
        let peek = || Ok(recv(&stream, &mut buffer, RecvFlags::PEEK).map(|(_, length)| length)?);
        let seen = stream.async_io(Interest::READABLE, peek).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let known = headers.len();
        headers.extend_from_slice(&buffer[..seen]);
        let end = headers.windows(4).position(|window| window == b"\r\n\r\n").map_or(headers.len(), |begin| begin + 4);
        headers.truncate(end);
        let mut taken = 0;
        while taken < end - known {
            taken += stream.try_read(&mut buffer[..end - known - taken])?;
        }
    }
    let status = String::from_utf8_lossy(&headers).split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((stream.into_std()?, status.ok_or(io::ErrorKind::InvalidData)?))
}
