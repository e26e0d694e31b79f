//! What the engine refuses, in an administrator's words: what is wrong, in terms of the stack file, and what to look at.
//!
//! In: the engine's own text, cleaned and bounded. Out: a sentence that goes before it; none where the text says enough.
//! Source: the messages of Docker Engine 26 and 28, and of runc below it.

/// Explains a refusal.
pub fn explain(text: &str) -> Option<String> {
    EXPLANATIONS.iter().find_map(|explain| explain(text))
}

const EXPLANATIONS: [fn(&str) -> Option<String>; 7] = [program, port, mount, platform, user, device, address];

/// Explains why a probe of a healthcheck could not be executed.
pub fn explain_probe(text: &str) -> Option<String> {
    program_of("`healthcheck`", text)
}

fn program(text: &str) -> Option<String> {
    program_of("`command` and `entrypoint`", text)
}

/// runc: `exec: "PROGRAM": executable file not found in $PATH`. `keys`: those of the service that name it.
fn program_of(keys: &str, text: &str) -> Option<String> {
    if text.contains("exec format error") {
        return Some(
            "the program is for another processor architecture than this host's: use an image for this one".to_owned(),
        );
    }
    let (program, why) = between(text, "exec: \"", "\": ")?;
    let is = |reason: &str| why.starts_with(reason);
    Some(if is("executable file not found") {
        format!("the image has no program `{program}` in its PATH: see the service's {keys}")
    } else if is("stat ") && why.contains("no such file or directory") {
        format!("the image has no file `{program}`: see the service's {keys}")
    } else if is("permission denied") {
        format!("`{program}` is not executable in the image: see the service's {keys}")
    } else if is("is a directory") {
        format!("`{program}` is a directory in the image, not a program: see the service's {keys}")
    } else {
        return None;
    })
}

fn port(text: &str) -> Option<String> {
    if let Some((address, _)) = between(text, "Bind for ", " failed: port is already allocated") {
        let port = port_of(address);
        return Some(format!(
            "port {address} of this host is published by another container: `docker ps --filter publish={port}` shows which"
        ));
    }
    let address = listening(text)?;
    if text.contains("address already in use") {
        Some(port_in_use(address))
    } else if text.contains("cannot assign requested address") {
        Some(format!("this host has no address for {address}: see the service's `ports`"))
    } else {
        None
    }
}

/// That a program of this host listens on `ADDRESS:PORT`.
pub fn port_in_use(address: &str) -> String {
    let port = port_of(address);
    format!(
        "port {address} of this host is in use by a program: `ss --listening --processes --numeric 'sport = :{port}'` shows which"
    )
}

/// The address of `listen tcp4 ADDRESS: bind: …` or `failed to bind host port for ADDRESS:CONTAINER'S/tcp: …`.
fn listening(text: &str) -> Option<&str> {
    let listened = ["listen tcp4 ", "listen tcp6 ", "listen tcp ", "listen udp4 ", "listen udp6 ", "listen udp "];
    if let Some((address, _)) = listened.iter().find_map(|verb| between(text, verb, ": bind: ")) {
        return Some(address);
    }
    let (_, rest) = text.split_once("failed to bind host port ")?;
    let rest = rest.strip_prefix("for ").unwrap_or(rest);
    let address = rest.split_ascii_whitespace().next()?;
    // What follows the port is the container's address, or the protocol.
    let host = if address.starts_with('[') { address.find(']')? + 1 } else { address.find(':')? };
    let digits = address.get(host + 1..)?.bytes().take_while(u8::is_ascii_digit).count();
    address.get(..host + 1 + digits)
}

fn port_of(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or(address)
}

fn mount(text: &str) -> Option<String> {
    if let Some((_, path)) = text.split_once("bind source path does not exist: ") {
        return Some(format!("{path} does not exist on this host: create it, or see the service's `volumes`"));
    }
    let (source, rest) = between(text, "error mounting \"", "\" to rootfs at \"")?;
    let (target, _) = rest.split_once('"')?;
    text.contains("not a directory").then(|| {
        format!(
            "{source} of this host and {target} of the image are not both files or both directories: see the service's `volumes`"
        )
    })
}

fn platform(text: &str) -> Option<String> {
    let of_28 = || {
        let (actual, rest) =
            between(text, "was found but its platform (", ") does not match the specified platform (")?;
        Some((rest.split(')').next()?, actual))
    };
    let of_26 = || between(text, "does not match the specified platform: wanted ", ", actual: ");
    if let Some((wanted, actual)) = of_26().or_else(of_28) {
        return Some(format!(
            "the image that is on this host is for {actual}, and the service's `platform` is {wanted}"
        ));
    }
    let (_, rest) = text.split_once("no matching manifest for ")?;
    let platform = rest.split([' ', ':']).next()?;
    Some(format!("the image is not there for {platform}: use another tag, or set the service's `platform`"))
}

fn user(text: &str) -> Option<String> {
    let of = |kind: &str, key: &str| {
        let (name, _) = between(text, &format!("unable to find {kind} "), ": no matching entries in ")?;
        Some(format!("the image has no {kind} `{name}`: see the service's `{key}`, or use a number"))
    };
    of("user", "user").or_else(|| of("group", "user` and `group_add"))
}

fn device(text: &str) -> Option<String> {
    if text.contains("could not select device driver") && text.contains("gpu") {
        return Some(
            "this host's engine has no driver for GPUs: install that of their vendor (NVIDIA Container Toolkit)"
                .to_owned(),
        );
    }
    let (device, _) = between(text, "adding custom device \"", "\": no such file or directory")?;
    Some(format!("this host has no device {device}: see the service's `devices`"))
}

fn address(text: &str) -> Option<String> {
    if text.contains("Pool overlaps with other one on this address space") {
        return Some(
            "the network's addresses are those of another network, or of one of this host's: choose another `subnet`; \
             `docker network inspect` shows those of a network"
                .to_owned(),
        );
    }
    if text.trim_end_matches('.').ends_with("Address already in use") {
        return Some("another container has this address in the network: see the service's `ipv4_address`".to_owned());
    }
    let (_, address) = text.split_once("no configured subnet or ip-range contain the IP address ")?;
    Some(format!(
        "the network has no subnet for the address {address}: see the service's `ipv4_address` and the network's `subnet`"
    ))
}

/// What stands between two marks, and what follows.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<(&'a str, &'a str)> {
    text.split_once(before)?.1.split_once(after)
}

#[cfg(test)]
mod tests {
    use super::explain;

    const RUNC: &str = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create \
                        failed: unable to start container process: ";

    #[test]
    fn what_an_engine_said_is_explained_by_the_key_that_is_wrong() {
        let cases = [
            (
                "exec: \"nosuch\": executable file not found in $PATH: unknown",
                "the image has no program `nosuch` in its PATH",
            ),
            (
                "exec: \"/bin/nosuch\": stat /bin/nosuch: no such file or directory: unknown",
                "the image has no file `/bin/nosuch`",
            ),
            ("exec: \"/etc/passwd\": permission denied: unknown", "`/etc/passwd` is not executable in the image"),
            ("exec: \"/etc\": is a directory: unknown: permission denied", "`/etc` is a directory in the image"),
            (
                "error during container init: error mounting \"/root/f\" to rootfs at \"/etc\": mount /root/f:/etc (via \
                 /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file \
                 (or vice-versa)? Check if the specified host path exists and is the expected type",
                "/root/f of this host and /etc of the image are not both files or both directories",
            ),
        ];
        for (text, expected) in cases {
            let text = format!("{RUNC}{text}");
            assert!(explain(&text).is_some_and(|said| said.starts_with(expected)), "{text}: {:?}", explain(&text));
        }
        let cases = [
            (
                "driver failed programming external connectivity on endpoint e1 (fa16): Bind for 0.0.0.0:8080 failed: port is \
                 already allocated",
                "port 0.0.0.0:8080 of this host is published by another container: `docker ps --filter publish=8080`",
            ),
            (
                "driver failed programming external connectivity on endpoint e1 (c90c): Error starting userland proxy: listen \
                 tcp4 0.0.0.0:8099: bind: address already in use",
                "port 0.0.0.0:8099 of this host is in use by a program: `ss --listening --processes --numeric 'sport = :8099'`",
            ),
            (
                "failed to set up container networking: driver failed programming external connectivity on endpoint e1 (c9): \
                 failed to bind host port for 0.0.0.0:8099:172.17.0.3:80/tcp: address already in use",
                "port 0.0.0.0:8099 of this host is in use by a program",
            ),
            (
                "failed to bind host port [::1]:8099/tcp: address already in use",
                "port [::1]:8099 of this host is in use by a program",
            ),
            (
                "Error starting userland proxy: listen tcp4 10.9.9.9:8098: bind: cannot assign requested address",
                "this host has no address for 10.9.9.9:8098",
            ),
            ("unable to find user nosuch: no matching entries in passwd file", "the image has no user `nosuch`"),
            ("unable to find group nosuch: no matching entries in group file", "the image has no group `nosuch`"),
            (
                "error gathering device information while adding custom device \"/dev/nosuch\": no such file or directory",
                "this host has no device /dev/nosuch",
            ),
            (
                "could not select device driver \"\" with capabilities: [[gpu]]",
                "this host's engine has no driver for GPUs",
            ),
            (
                "invalid mount config for type \"bind\": bind source path does not exist: /nosuch",
                "/nosuch does not exist on this host",
            ),
            (
                "invalid config for network n77: invalid endpoint settings: no configured subnet or ip-range contain the IP \
                 address 10.78.0.4",
                "the network has no subnet for the address 10.78.0.4",
            ),
            ("Address already in use", "another container has this address in the network"),
            (
                "Pool overlaps with other one on this address space",
                "the network's addresses are those of another network",
            ),
            (
                "image with reference 127.0.0.1:5000/busybox:1 was found but does not match the specified platform: wanted \
                 linux/arm64, actual: linux/amd64",
                "the image that is on this host is for linux/amd64, and the service's `platform` is linux/arm64",
            ),
            (
                "image with reference 127.0.0.1:5000/busybox:1 was found but its platform (linux/amd64) does not match the \
                 specified platform (linux/arm64)",
                "the image that is on this host is for linux/amd64, and the service's `platform` is linux/arm64",
            ),
            (
                "no matching manifest for linux/arm64/v8 in the manifest list entries",
                "the image is not there for linux/arm64/v8",
            ),
            ("exec /bin/sh: exec format error", "the program is for another processor architecture"),
        ];
        for (text, expected) in cases {
            assert!(explain(text).is_some_and(|said| said.starts_with(expected)), "{text}: {:?}", explain(text));
        }
    }

    #[test]
    fn what_is_not_known_is_left_as_it_is() {
        for text in
            ["", "exec: \"", "unknown or invalid runtime name: nosuch", "failed to bind host port ", "Bind for x"]
        {
            assert_eq!(explain(text), None, "{text}");
        }
    }
}
