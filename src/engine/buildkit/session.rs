//! What BuildKit asks us for during a build: the contexts, the values of secrets, and logins to registries.
//!
//! Source: moby/buildkit, session. On this connection the engine is the client. What is not offered here BuildKit does without:
//! tokens of registries, for one, it then gets itself with the login.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_server::{Upload, UploadServer};
use futures_util::{Stream, stream};
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::BuildFiles;
use super::connection::upgrade;
use crate::engine::EngineError;
use crate::engine::auth::{self, Login};
use crate::name::Registry;

/// The methods that are here to be called.
const METHODS: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.upload.v1.Upload/Pull",
];

/// The login that was asked for last: the one to blame where a registry refuses.
pub type LastLogin = Arc<Mutex<Option<Login>>>;

/// Opens the session and answers until it is closed. BuildKit asks for an input at `http://buildkit-session/ID/INPUT`.
pub async fn open(id: &str, files: Arc<dyn BuildFiles>, login: LastLogin) -> Result<(), EngineError> {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).map_err(EngineError::no_answer);
    headers.insert("X-Docker-Expose-Session-Uuid", value(id)?);
    headers.insert("X-Docker-Expose-Session-Name", HeaderValue::from_static("wharf"));
    headers.insert("X-Docker-Expose-Session-Sharedkey", HeaderValue::from_static(""));
    for method in METHODS {
        headers.append("X-Docker-Expose-Session-Grpc-Method", HeaderValue::from_static(method));
    }
    let upgraded = upgrade("/session", headers).await?;
    let routes = Routes::new(HealthServer::new(Alive))
        .add_service(AuthServer::new(Logins(login)))
        .add_service(UploadServer::new(Contexts(Arc::clone(&files))))
        .add_service(SecretsServer::new(Values(files)))
        .prepare();
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    tokio::spawn(server.serve_connection(upgraded, TowerToHyperService::new(routes)));
    Ok(())
}

struct Contexts(Arc<dyn BuildFiles>);

#[async_trait]
impl Upload for Contexts {
    type PullStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn pull(&self, request: Request<Streaming<BytesMessage>>) -> Result<Response<Self::PullStream>, Status> {
        let path = request.metadata().get("urlpath").and_then(|path| path.to_str().ok()).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let pieces = Arc::clone(&self.0).tar(name).ok_or_else(|| Status::not_found(format!("no context {name}")))?;
        Ok(Response::new(Box::pin(stream::unfold(pieces, |mut pieces| async {
            let piece = pieces.recv().await?;
            let message = piece.map(|data| BytesMessage { data }).map_err(|error| Status::internal(error.to_string()));
            Some((message, pieces))
        }))))
    }
}

struct Values(Arc<dyn BuildFiles>);

#[async_trait]
impl Secrets for Values {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        match self.0.secret(&id) {
            Some(Ok(data)) => Ok(Response::new(GetSecretResponse { data })),
            Some(Err(why)) => Err(Status::internal(why)),
            None => Err(Status::not_found(format!("secret {id} is not among the build's `secrets`"))),
        }
    }
}

struct Logins(LastLogin);

#[async_trait]
impl Auth for Logins {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let login = auth::login(Registry::of_host(&request.into_inner().host)).await;
        let found = login.credentials.clone().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
        // A token instead of a password has no user name.
        Ok(Response::new(match found.identitytoken {
            Some(secret) => CredentialsResponse { username: String::new(), secret },
            None => CredentialsResponse {
                username: found.username.unwrap_or_default(),
                secret: found.password.unwrap_or_default(),
            },
        }))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("credentials only"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("credentials only"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("credentials only"))
    }
}

/// BuildKit ends a session that does not say every few seconds that it is there.
struct Alive;

#[async_trait]
impl Health for Alive {
    type WatchStream = stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("check only"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("check only"))
    }
}
