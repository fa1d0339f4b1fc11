pub mod archive;
pub mod server;
