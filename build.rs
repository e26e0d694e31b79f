fn main() {
    println!("cargo:rustc-link-arg-bin=wharf-run=-no-pie");
    println!("cargo:rerun-if-changed=build.rs");
}
