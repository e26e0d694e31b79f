//! The inputs of a build in BuildKit's own language (LLB): a directory from an uploaded tar file, and a file from its text.
//!
//! Source: moby/buildkit, solver/pb/ops.proto. A definition lists operations, each after those that it takes something from by
//! the digest of their bytes; the last is empty and points at the result.

use std::collections::HashMap;

use bollard_buildkit_proto::pb::{
    Definition, FileAction, FileActionCopy, FileActionMkFile, FileOp, Input, Op, OpMetadata, SourceOp, file_action, op,
};
use prost::Message;
use sha2::{Digest, Sha256};

/// The name of the uploaded file in BuildKit.
const UPLOADED: &str = "context";

/// "None", as input or output of a file action, and "as it is", as a mode or a time.
const NONE: i64 = -1;

/// The directory that the tar file of this address holds.
pub fn unpacked(address: &str, shown: &str) -> Definition {
    let filename = ("http.filename".to_owned(), UPLOADED.to_owned());
    let source = SourceOp { identifier: address.to_owned(), attrs: HashMap::from([filename]) };
    let mut definition = Builder::default();
    let uploaded = definition.add(Vec::new(), op::Op::Source(source), shown);
    let copy = FileActionCopy {
        src: format!("/{UPLOADED}"),
        dest: "/".to_owned(),
        mode: -1,
        timestamp: NONE,
        attempt_unpack_docker_compatibility: true,
        ..FileActionCopy::default()
    };
    let unpacked = definition.add(vec![uploaded], file_op(0, file_action::Action::Copy(copy)), shown);
    definition.finish(unpacked)
}

/// A directory with one file.
pub fn file(name: &str, contents: Vec<u8>, shown: &str) -> Definition {
    let file = FileActionMkFile {
        path: format!("/{name}"),
        mode: 0o644,
        data: contents,
        timestamp: NONE,
        ..FileActionMkFile::default()
    };
    let mut definition = Builder::default();
    let made = definition.add(Vec::new(), file_op(NONE, file_action::Action::Mkfile(file)), shown);
    definition.finish(made)
}

fn file_op(secondary_input: i64, action: file_action::Action) -> op::Op {
    let action = FileAction { input: NONE, secondary_input, output: 0, action: Some(action) };
    op::Op::File(FileOp { actions: vec![action] })
}

#[derive(Default)]
struct Builder {
    definition: Definition,
}

impl Builder {
    fn add(&mut self, inputs: Vec<Input>, op: op::Op, shown: &str) -> Input {
        let bytes = Op { inputs, op: Some(op), ..Op::default() }.encode_to_vec();
        let digest = digest(&bytes);
        let description = HashMap::from([("llb.customname".to_owned(), shown.to_owned())]);
        self.definition.metadata.insert(digest.clone(), OpMetadata { description, ..OpMetadata::default() });
        self.definition.def.push(bytes);
        Input { digest, index: 0 }
    }

    fn finish(mut self, result: Input) -> Definition {
        let bytes = Op { inputs: vec![result], ..Op::default() }.encode_to_vec();
        self.definition.metadata.insert(digest(&bytes), OpMetadata::default());
        self.definition.def.push(bytes);
        self.definition
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
