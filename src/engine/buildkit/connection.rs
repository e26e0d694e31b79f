//! Connections to BuildKit: HTTP/1.1 requests to the engine's socket that become HTTP/2.
//!
//! Source: Engine API, `POST /grpc` and `POST /session`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::body::Body;
use tonic::codegen::Service;

use crate::engine::{EngineError, socket, transport};

/// The longest part of an unexpected answer that is read.
const LONGEST_REFUSAL: usize = 1 << 14;

/// A request whose connection then belongs to another protocol.
pub async fn upgrade(path: &str, headers: HeaderMap) -> Result<Upgraded, EngineError> {
    let stream = transport::connect(&socket()?).await.map_err(EngineError::no_answer)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(EngineError::no_answer)?;
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::post(path).body(String::new()).map_err(EngineError::no_answer)?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(UPGRADE, HeaderValue::from_static("h2c"));
    let response = sender.send_request(request).await.map_err(EngineError::no_answer)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_REFUSAL).collect().await;
        let why = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()).unwrap_or_default();
        return Err(EngineError::NoBuildKit { path: path.to_owned(), status: status.as_u16(), why: why.into() });
    }
    hyper::upgrade::on(response).await.map_err(EngineError::no_answer)
}

/// One HTTP/2 connection, on which we are the client.
#[derive(Clone)]
pub struct Client(SendRequest<Body>);

impl Client {
    pub async fn connect(path: &str) -> Result<Self, EngineError> {
        let upgraded = upgrade(path, HeaderMap::new()).await?;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), upgraded);
        let (sender, connection) = handshake.await.map_err(EngineError::no_answer)?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
