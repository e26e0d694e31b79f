//! HTTP on the sockets that systemd hands over: wharfd-metrics.socket, sd_listen_fds(3).

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use listenfd::ListenFd;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::families;
use super::text::Format;
use crate::supervise::api::Shared;

/// Connections that are served at once on a socket, and those of one user other than root, where the socket knows. More are closed
/// at once, so that nobody who keeps connections open keeps others out.
const AT_ONCE: usize = 32;
const OF_ONE_USER: usize = 8;

/// A connection is closed if it has not asked by then.
const HEADER: Duration = Duration::from_secs(2);

/// A connection ends after this time, whatever it does.
const LONGEST: Duration = Duration::from_secs(10);

/// After an error of accept(2), as when no descriptor is left.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves on all sockets that were handed over, beside what else the thread does.
pub fn listen(snapshot: &Shared) {
    let mut handed_over = ListenFd::from_env();
    for index in 0..handed_over.len() {
        match Listener::take(&mut handed_over, index) {
            Ok(listener) => {
                tokio::spawn(serve(listener, snapshot.clone()));
            }
            Err(error) => tracing::error!("cannot serve metrics on a socket of wharfd-metrics.socket: {error}"),
        }
    }
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Listener {
    fn take(handed_over: &mut ListenFd, index: usize) -> io::Result<Self> {
        let other_kind = || io::Error::new(io::ErrorKind::InvalidInput, "it is no stream");
        if let Ok(Some(unix)) = handed_over.take_unix_listener(index) {
            unix.set_nonblocking(true)?;
            return Ok(Self::Unix(UnixListener::from_std(unix)?));
        }
        let tcp = handed_over.take_tcp_listener(index)?.ok_or_else(other_kind)?;
        tcp.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpListener::from_std(tcp)?))
    }

    /// A connection, and whose it is, where the socket knows.
    async fn accept(&self) -> io::Result<(Box<dyn Connection>, Option<u32>)> {
        Ok(match self {
            Self::Unix(listener) => {
                let stream = listener.accept().await?.0;
                let uid = stream.peer_cred().ok().map(|peer| peer.uid());
                (Box::new(stream), uid)
            }
            Self::Tcp(listener) => (Box::new(listener.accept().await?.0), None),
        })
    }
}

async fn serve(listener: Listener, snapshot: Shared) {
    // Whose connections are served now; a connection's end drops its part.
    let mut served: Vec<(Option<u32>, Weak<()>)> = Vec::new();
    loop {
        let (stream, uid) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        served.retain(|(_, part)| part.strong_count() > 0);
        let of_this_user = served.iter().filter(|(other, _)| *other == uid).count();
        let has_its_share = uid.is_some_and(|uid| uid != 0) && of_this_user >= OF_ONE_USER;
        if served.len() >= AT_ONCE || has_its_share {
            continue;
        }
        let part = Arc::new(());
        served.push((uid, Arc::downgrade(&part)));
        let snapshot = snapshot.clone();
        tokio::spawn(async move {
            let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, &snapshot)));
            let mut http = http1::Builder::new();
            let http = http.timer(TokioTimer::new()).header_read_timeout(HEADER);
            // A client that disconnects early, or never sends a request, is no error.
            let _ended = tokio::time::timeout(LONGEST, http.serve_connection(TokioIo::new(stream), service)).await;
            drop(part);
        });
    }
}

fn answer(request: &Request<Incoming>, snapshot: &Shared) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = say(StatusCode::METHOD_NOT_ALLOWED, "only GET is supported\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if request.uri().path() != "/metrics" {
        return say(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::of_accept(accept);
    let families = families(&snapshot.read().unwrap_or_else(PoisonError::into_inner));
    let Ok(text) = format.write(families) else {
        return say(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n");
    };
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

fn say(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
