//! The test vectors of the distribution project's reference library, and what it says of them.

use super::{ImageFault, ImageRef, Registry};

const SHA: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const ID: &str = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a";

fn parse(text: &str) -> ImageRef {
    ImageRef::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// A name that a registry can have: an ID is a reference, but none of these.
fn is_named(text: &str) -> bool {
    ImageRef::parse(text).is_ok_and(|reference| !reference.is_id())
}

#[test]
fn name_tag_and_digest() {
    for (text, name, tag, digest) in [
        ("test_com", "test_com", None, None),
        ("test.com:tag", "test.com", Some("tag"), None),
        ("test.com:5000", "test.com", Some("5000"), None),
        ("test.com/repo:tag", "test.com/repo", Some("tag"), None),
        ("test:5000/repo", "test:5000/repo", None, None),
        ("test:5000/repo:tag", "test:5000/repo", Some("tag"), None),
        (&format!("test:5000/repo@{SHA}"), "test:5000/repo", None, Some(SHA)),
        (&format!("test:5000/repo:tag@{SHA}"), "test:5000/repo", Some("tag"), Some(SHA)),
        ("lowercase:Uppercase", "lowercase", Some("Uppercase"), None),
        ("sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com/bar/baz/quux", Some("some-long-tag"), None),
        (
            "b.gcr.io/test.example.com/my-app:test.example.com",
            "b.gcr.io/test.example.com/my-app",
            Some("test.example.com"),
            None,
        ),
        ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage", Some("xn--n3h.com"), None),
        ("foo_bar.com:8080", "foo_bar.com", Some("8080"), None),
        ("foo/foo_bar.com:8080", "foo/foo_bar.com", Some("8080"), None),
        ("192.168.1.1:5000", "192.168.1.1", Some("5000"), None),
        ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000/repo", Some("5050"), None),
        ("[2001:db8::1]/repo", "[2001:db8::1]/repo", None, None),
        ("[2001:db8:1:2:3:4:5:6]/repo:tag", "[2001:db8:1:2:3:4:5:6]/repo", Some("tag"), None),
        (&format!("[2001:db8::1]:5000/repo:tag@{SHA}"), "[2001:db8::1]:5000/repo", Some("tag"), Some(SHA)),
        ("[2001:db8::]:5000/repo", "[2001:db8::]:5000/repo", None, None),
        ("[::1]:5000/repo", "[::1]:5000/repo", None, None),
    ] {
        let reference = parse(text);
        assert_eq!((reference.name(), reference.tag(), reference.digest()), (name, tag, digest), "{text}");
        assert_eq!(reference.as_str(), text);
    }
}

#[test]
fn what_is_wrong() {
    let long = format!("domain/{}:tag", "a".repeat(256));
    let short_digest = "repo@sha256:ffffffffffffffffffffffffffffffffff";
    let unknown_digest = "validname@invaliddigest:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    for (text, fault) in [
        ("", ImageFault::Empty),
        (":justtag", ImageFault::Component(String::new())),
        (&format!("@{SHA}"), ImageFault::Component(String::new())),
        (short_digest, ImageFault::Digest(short_digest[5..].to_owned())),
        (unknown_digest, ImageFault::Digest(unknown_digest[10..].to_owned())),
        ("Uppercase:tag", ImageFault::UpperCase),
        ("test:5000/Uppercase/lowercase:tag", ImageFault::UpperCase),
        (&long, ImageFault::TooLong),
        ("aa/asdf$$^/aa", ImageFault::Character('$')),
        ("[2001:db8::1]", ImageFault::Tag("db8::1]".to_owned())),
        ("[fe80::1%eth0]:5000/repo", ImageFault::Character('%')),
        ("nginx:-x", ImageFault::Tag("-x".to_owned())),
        ("nginx:", ImageFault::Tag(String::new())),
        ("https://docker.io/nginx", ImageFault::Character(':')),
    ] {
        let found = ImageRef::parse(text);
        let same_kind = |found: &ImageFault| std::mem::discriminant(found) == std::mem::discriminant(&fault);
        assert!(found.as_ref().err().is_some_and(same_kind), "{text}: {found:?}");
    }
    assert!(is_named(&format!("example.com/{}:tag", "a".repeat(255))));
    assert!(is_named(&format!("{}a:tag-puts-this-over-max", "a/".repeat(127))));
}

#[test]
fn names_that_are_allowed() {
    for name in [
        "docker/docker",
        "library/debian",
        "debian",
        "localhost/library/debian",
        "LOCALDOMAIN/debian",
        "docker.io/debian",
        "index.docker.io/library/debian",
        "127.0.0.1:5000/docker/docker",
        "192.168.0.1",
        "192.168.0.1:80",
        "192.168.0.1:8/debian",
        "thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev",
        "[fc00:1:2:3:4:5:6:7]:5000/library/debian",
        &format!("docker.io/{ID}"),
        "Docker/docker",
        "DOCKER/docker",
        "docker---rules/docker",
        "d/docker",
        "dock__er/docker",
        "a--b/c",
    ] {
        assert!(is_named(name), "{name}");
    }
}

#[test]
fn names_that_are_not() {
    for name in [
        "https://github.com/docker/docker",
        "docker/Docker",
        "-docker",
        "-docker/docker",
        "-docker.io/docker/docker",
        "docker///docker",
        "docker.io/docker/Docker",
        "docker.io/docker///docker",
        "[fc00::1]",
        "[fc00::1]:5000",
        "fc00::1:5000/debian",
        "[2001:db8:3:4::192.0.2.33]:5000/debian",
        "docker-/docker",
        "____/____",
        "_docker/_docker",
        "dock..er/docker",
        "dock_.er/docker",
        "dock-.er/docker",
        "docker/",
        "host.example:port/app",
        "host.example:70000/app",
        "host.example:+80/app",
        "[::1]x/app",
        "é",
        ID,
    ] {
        assert!(!is_named(name), "{name}");
    }
    assert!(!is_named(&format!("{}/docker", "this_is_too_long_".repeat(16))));
}

#[test]
fn the_registry_is_what_the_engine_takes_for_one() {
    for (text, registry, repository) in [
        ("localhost/fooo/bar", "localhost", "fooo/bar"),
        ("LOCALDOMAIN/fooo", "LOCALDOMAIN", "fooo"),
        ("MYHOST/app", "MYHOST", "app"),
        ("fooo/bar", "docker.io", "fooo/bar"),
        ("ubuntu", "docker.io", "library/ubuntu"),
        ("library/ubuntu", "docker.io", "library/ubuntu"),
        ("nonlibrary/ubuntu", "docker.io", "nonlibrary/ubuntu"),
        ("127.0.0.1:8000/privatebase", "127.0.0.1:8000", "privatebase"),
        ("example.com:8000/private/moonbase", "example.com:8000", "private/moonbase"),
        ("index.docker.io/ubuntu-12.04-base:1", "docker.io", "library/ubuntu-12.04-base"),
        ("[::1]:5000/repo", "[::1]:5000", "repo"),
        ("foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com"),
    ] {
        let reference = parse(text);
        assert_eq!((reference.registry().as_str(), &*reference.repository()), (registry, repository), "{text}");
    }
    assert_eq!(Registry::of_host("registry-1.docker.io"), Registry::DockerHub);
}

#[test]
fn one_image_has_several_references() {
    let same = |one: &str, other: &str| parse(one).is_same_image(&parse(other));
    assert!(same("docker.io/library/nginx", "nginx:latest"));
    assert!(same("index.docker.io/shop/web:1", "shop/web:1"));
    assert!(same(&format!("nginx:1@{SHA}"), &format!("docker.io/library/nginx@{SHA}")));
    assert!(same(ID, &format!("sha256:{ID}")));
    assert!(!same("127.0.0.1:5000/web:1", "127.0.0.1:5000/web:2"));
    assert!(!same("MYHOST/app", "app"));
    assert!(!same("127.0.0.1:5000/nginx", "nginx"));
}

#[test]
fn the_tag_that_counts() {
    assert_eq!(parse("127.0.0.1:5000/web").effective_tag(), Some("latest"));
    assert_eq!(parse("127.0.0.1:5000/web:2").effective_tag(), Some("2"));
    assert_eq!(parse(&format!("web:2@{SHA}")).effective_tag(), None);
    assert_eq!(parse(ID).effective_tag(), None);
}
