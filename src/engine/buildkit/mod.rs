//! Building images by BuildKit, which is part of the engine.
//!
//! In: what to build, and who has the files that it takes. Out: the image at the engine; and, as it goes on, what is done.
//! Two connections carry a build: on `/grpc` we ask, on `/session` BuildKit asks back. If either breaks off, BuildKit gives the
//! build up. Invariant: only files of the build's own directories are sent, and logins only for the registry that is asked for.

mod connection;
mod llb;
mod session;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, ListWorkersRequest, SolveRequest, StatusRequest, StatusResponse,
};
use bollard_buildkit_proto::pb::Definition;
use hyper::Uri;
use tokio::sync::mpsc::Receiver;
use tonic::Status;

use super::{Engine, EngineError, auth};
use crate::spec::{BuildParameters, CacheOption, to_json};
use connection::Client;

type Control = ControlClient<Client>;

/// What stands for the engine's own address in an extra host (docker run, --add-host).
const HOST_GATEWAY: &str = "host-gateway";

/// The label of BuildKit's worker in the engine that tells that address.
const HOST_GATEWAY_LABEL: &str = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

/// As BuildKit limits messages itself.
const LARGEST_MESSAGE: usize = 16 << 20;

/// How long the last words of a build may take once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is to be built.
pub struct BuildOrder<'a> {
    pub parameters: &'a BuildParameters,
    /// Further names of the image.
    pub tags: &'a [String],
    /// The Dockerfile's name and text; `None`: it comes with a context that the engine fetches.
    pub dockerfile: Option<(String, Vec<u8>)>,
    /// The inputs that [`BuildFiles::tar`] has: `context`, and others that the parameters name.
    pub inputs: Vec<String>,
}

/// Who has the files that a build takes.
pub trait BuildFiles: Send + Sync + 'static {
    /// The pieces of an input's tar file, from its beginning at each call.
    fn tar(self: Arc<Self>, input: &str) -> Option<Receiver<io::Result<Vec<u8>>>>;

    /// The value of a secret, or why it cannot be had; `None`: there is no such secret.
    fn secret(&self, id: &str) -> Option<Result<Vec<u8>, String>>;
}

/// What becomes of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildProgress {
    /// A step begins: `[2/3] RUN make`, or its result is there from another time.
    Step { id: String, name: String, cached: bool },
    /// What a step says; not always whole lines.
    Text { id: String, text: String },
    /// A step has ended.
    Done { id: String },
    /// What the Dockerfile could do better.
    Warning(String),
}

impl Engine {
    /// Builds an image. Dropping the future ends the build.
    ///
    /// # Errors
    /// [`EngineError::NoBuildKit`]; [`EngineError::Refused`] with BuildKit's words if a step failed; [`EngineError::Login`].
    pub async fn build(
        &self,
        order: BuildOrder<'_>,
        files: Arc<dyn BuildFiles>,
        progress: &mut dyn FnMut(BuildProgress),
    ) -> Result<(), EngineError> {
        let client = Client::connect("/grpc").await?;
        let mut control = Control::with_origin(client, Uri::from_static("http://buildkit"))
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        let (session, login) = (new_id()?, session::LastLogin::default());
        session::open(&session, files, Arc::clone(&login)).await?;
        let mut request = request(order, &session)?;
        resolve_gateway(&mut control, &mut request.frontend_attrs).await?;
        let solved = solve(control, request, progress).await;
        solved.map_err(|status| failure(&status, &login))
    }
}

async fn solve(
    mut control: Control,
    request: SolveRequest,
    progress: &mut dyn FnMut(BuildProgress),
) -> Result<(), Status> {
    let mut followed = pin!(follow(control.clone(), request.r#ref.clone(), progress));
    let mut solved = pin!(control.solve(request));
    let mut silent = false;
    let result = loop {
        tokio::select! {
            result = &mut solved => break result,
            () = &mut followed, if !silent => silent = true,
        }
    };
    if !silent {
        let _nothing_more = tokio::time::timeout(LAST_WORDS, followed).await;
    }
    result.map(|_| ())
}

/// Tells what is done, until the build has ended.
async fn follow(mut control: Control, id: String, progress: &mut dyn FnMut(BuildProgress)) {
    // That the build itself has failed, its own answer tells.
    let Ok(response) = control.status(StatusRequest { r#ref: id }).await else { return };
    let mut news = response.into_inner();
    let mut steps = Steps::default();
    while let Ok(Some(update)) = news.message().await {
        steps.tell(update, progress);
    }
}

/// BuildKit tells of a step whenever something about it changes.
#[derive(Default)]
struct Steps {
    /// Whether they have ended.
    begun: HashMap<String, bool>,
}

impl Steps {
    fn tell(&mut self, update: StatusResponse, progress: &mut dyn FnMut(BuildProgress)) {
        let mut done = Vec::new();
        for step in update.vertexes {
            if step.started.is_none() && !step.cached {
                continue;
            }
            let ended = self.begun.entry(step.digest.clone()).or_insert_with(|| {
                progress(BuildProgress::Step { id: step.digest.clone(), name: step.name, cached: step.cached });
                false
            });
            if step.completed.is_some() && !*ended {
                *ended = true;
                done.push(step.digest);
            }
        }
        for log in update.logs {
            let text = String::from_utf8_lossy(&log.msg).into_owned();
            progress(BuildProgress::Text { id: log.vertex, text });
        }
        for id in done {
            progress(BuildProgress::Done { id });
        }
        for warning in update.warnings {
            progress(BuildProgress::Warning(String::from_utf8_lossy(&warning.short).into_owned()));
        }
    }
}

fn request(order: BuildOrder<'_>, session: &str) -> Result<SolveRequest, EngineError> {
    let BuildOrder { parameters, tags, dockerfile, inputs } = order;
    let mut frontend_attrs = unsorted(&parameters.frontend_attrs);
    // By default, an image that is present is used.
    frontend_attrs.entry("image-resolve-mode".to_owned()).or_insert_with(|| "local".to_owned());
    let mut frontend_inputs: HashMap<String, Definition> = HashMap::new();
    for input in inputs {
        let address = format!("http://buildkit-session/{session}/{input}");
        let definition = llb::unpacked(&address, &format!("[internal] load {input}"));
        frontend_inputs.insert(input, definition);
    }
    if let Some((name, text)) = dockerfile {
        let definition = llb::file(&name, text, "[internal] load build definition");
        frontend_inputs.insert("dockerfile".to_owned(), definition);
        frontend_attrs.insert("filename".to_owned(), name);
    }
    if !parameters.cache_imports.is_empty() {
        frontend_attrs.insert("cache-imports".to_owned(), to_json(&parameters.cache_imports));
    }
    let cache = CacheOptions {
        imports: parameters.cache_imports.iter().map(cache_entry).collect(),
        exports: parameters.cache_exports.iter().map(cache_entry).collect(),
        ..CacheOptions::default()
    };
    let names: Vec<&str> = std::iter::once(&parameters.name).chain(tags).map(String::as_str).collect();
    Ok(SolveRequest {
        r#ref: new_id()?,
        session: session.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs,
        frontend_inputs,
        cache: Some(cache),
        entitlements: parameters.entitlements.clone(),
        // The newer field `exporters` is unknown to the engines of some years ago.
        exporter_deprecated: "moby".to_owned(),
        exporter_attrs_deprecated: HashMap::from([("name".to_owned(), names.join(","))]),
        ..SolveRequest::default()
    })
}

fn cache_entry(option: &CacheOption) -> CacheOptionsEntry {
    CacheOptionsEntry { r#type: option.r#type.clone(), attrs: unsorted(&option.attrs) }
}

fn unsorted(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// BuildKit takes addresses only.
async fn resolve_gateway(control: &mut Control, attributes: &mut HashMap<String, String>) -> Result<(), EngineError> {
    let Some(hosts) = attributes.get_mut("add-hosts").filter(|hosts| hosts.contains(HOST_GATEWAY)) else {
        return Ok(());
    };
    let workers = control.list_workers(ListWorkersRequest::default()).await;
    let workers = workers.map_err(|status| failure(&status, &session::LastLogin::default()))?.into_inner();
    let address = workers.record.into_iter().find_map(|mut worker| worker.labels.remove(HOST_GATEWAY_LABEL));
    let Some(address) = address.filter(|address| !address.is_empty()) else {
        return Err(EngineError::Refused(format!("this engine does not tell its address for {HOST_GATEWAY}").into()));
    };
    *hosts = hosts.replace(&format!("={HOST_GATEWAY}"), &format!("={address}"));
    Ok(())
}

/// The answer of BuildKit itself has no cause beneath it; one that did not come has.
fn failure(status: &Status, login: &session::LastLogin) -> EngineError {
    if let Some(cause) = std::error::Error::source(status) {
        return EngineError::no_answer_for(cause);
    }
    let lines = status.message().lines().map(str::trim).filter(|line| !line.is_empty());
    let why = lines.collect::<Vec<_>>().join("; ");
    let why = why.strip_prefix("failed to solve: ").unwrap_or(&why).to_owned();
    let login = login.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A step may say of anything that it was denied.
    let of_step = why.contains("did not complete successfully");
    match login.filter(|_| !of_step && auth::is_refusal(&why)) {
        Some(login) => EngineError::Login(login.refused(&why)),
        None => EngineError::Refused(why.into()),
    }
}

/// A name that nobody else has (random(4)).
fn new_id() -> Result<String, EngineError> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(EngineError::no_answer)?;
    Ok(id.trim().replace('-', ""))
}
