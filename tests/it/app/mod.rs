//! The program as a whole: its command line, its jobs, the sockets that it is handed.

mod access;
mod calls;
mod commands;
mod pages;
mod scheduler;
mod socket_activation;
