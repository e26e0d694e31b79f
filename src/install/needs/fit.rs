//! Whether a container can be made of the images that are here now, and its program can run.

use std::fs;

use super::Starting;
use crate::engine::{Engine, EngineError, Image, Platform};
use crate::run::unfit_image;

/// Of which units the image is of no use, and why. An image that the stack builds is another one by then.
///
/// # Errors
/// The engine does not answer.
pub(super) async fn unfit(engine: &Engine, starting: &[Starting]) -> Result<Vec<String>, EngineError> {
    let host = engine.platform().await?;
    let mut unfit = Vec::new();
    for it in starting.iter().filter(|it| it.spec.wharf.built_by.is_none()) {
        let reference = it.spec.container.image.as_deref().unwrap_or_default();
        let Some(image) = engine.image(reference).await? else { continue };
        let wanted = it.spec.wharf.platform.as_deref();
        let of_platform = || {
            let why = wrong_platform(&image, wanted, host.as_ref()?, has_emulators())?;
            Some(format!("image {reference} is for {}, {why}", image.platform))
        };
        let why = unfit_image(&it.spec, &image).map(|error| error.to_string()).or_else(of_platform);
        unfit.extend(why.map(|why| format!("{}: {why}", it.unit)));
    }
    Ok(unfit)
}

/// `wanted`: the service's `platform`. An emulator may run programs for any processor.
fn wrong_platform(image: &Image, wanted: Option<&str>, host: &Platform, has_emulators: bool) -> Option<String> {
    let Platform { os, architecture } = &image.platform;
    if os.is_empty() || architecture.is_empty() {
        return None;
    }
    if let Some(wanted) = wanted {
        let mut parts = wanted.split('/');
        let is_os = parts.next().is_none_or(|wanted| wanted == os);
        let is_it = is_os && parts.next().is_none_or(|wanted| wanted == architecture);
        return (!is_it)
            .then(|| format!("and the service's `platform` is {wanted}: use another tag, or change `platform`"));
    }
    let runs = image.platform == *host
        || (os == &host.os && RUNS_TOO.contains(&(host.architecture.as_str(), architecture.as_str())))
        || has_emulators;
    (!runs).then(|| {
        format!("and this host is {host}: use an image for this one, or set the service's `platform` if it runs")
    })
}

/// A processor, and another whose programs it may run, too.
const RUNS_TOO: [(&str, &str); 2] = [("amd64", "386"), ("arm64", "arm")];

/// Whether the kernel hands some programs to others (binfmt_misc): QEMU for other processors, maybe.
fn has_emulators() -> bool {
    let entries = fs::read_dir("/proc/sys/fs/binfmt_misc").into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name != "register" && name != "status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        let (os, architecture) = text.split_once('/').unwrap();
        Platform { os: os.to_owned(), architecture: architecture.to_owned() }
    }

    #[test]
    fn only_an_image_that_can_never_run_is_refused() {
        let host = platform("linux/amd64");
        let why = |image: &str, wanted: Option<&str>, has_emulators: bool| {
            wrong_platform(&Image { platform: platform(image), ..Image::default() }, wanted, &host, has_emulators)
        };
        for (image, wanted, has_emulators) in [
            ("linux/amd64", None, false),
            ("linux/386", None, false),
            ("linux/arm64", None, true),
            ("linux/arm64", Some("linux/arm64/v8"), false),
            ("linux/amd64", Some("linux"), false),
            ("/", None, false),
        ] {
            assert_eq!(why(image, wanted, has_emulators), None, "{image} {wanted:?} {has_emulators}");
        }
        let here =
            "and this host is linux/amd64: use an image for this one, or set the service's `platform` if it runs";
        assert_eq!(why("linux/arm64", None, false).as_deref(), Some(here));
        let other = "and the service's `platform` is linux/arm64: use another tag, or change `platform`";
        assert_eq!(why("linux/amd64", Some("linux/arm64"), true).as_deref(), Some(other));
    }
}
