//! HTTP on the sockets that systemd hands over: wharfd-metrics.socket, sd_listen_fds(3).

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use listenfd::ListenFd;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use super::families;
use super::text::Format;
use crate::supervise::face::Shared;

/// Connections that are served at once; more wait.
const AT_ONCE: usize = 32;

/// A connection ends after this time, whatever it does.
const LONGEST: Duration = Duration::from_secs(10);

/// After an error of accept(2), as when no descriptor is left.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves on all sockets that were handed over, beside what else the thread does.
pub fn listen(picture: &Shared) {
    let mut handed_over = ListenFd::from_env();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for index in 0..handed_over.len() {
        match Listener::take(&mut handed_over, index) {
            Ok(listener) => {
                tokio::spawn(serve(listener, places.clone(), picture.clone()));
            }
            Err(error) => eprintln!("<3>cannot serve metrics on a socket of wharfd-metrics.socket: {error}"),
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

    async fn accept(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match self {
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

async fn serve(listener: Listener, places: Arc<Semaphore>, picture: Shared) {
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                let picture = picture.clone();
                tokio::spawn(async move {
                    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, &picture)));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // Whoever leaves in the middle, or never comes to the point, is nobody to complain about.
                    let _ended = tokio::time::timeout(LONGEST, connection).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn answer(request: &Request<Incoming>, picture: &Shared) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = say(StatusCode::METHOD_NOT_ALLOWED, "GET is all there is\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if request.uri().path() != "/metrics" {
        return say(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::of_accept(accept);
    let families = families(&picture.read().unwrap_or_else(PoisonError::into_inner));
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
