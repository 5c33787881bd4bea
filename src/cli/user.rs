//! `latchkey user …`

use std::io::{BufRead, Read};

use anyhow::{Context, bail};
use clap::Subcommand;
use zeroize::Zeroizing;

use super::{
    Answer, Database,
    answer::{Field, Format},
    named,
};
use crate::{
    config::Config,
    users::{NewUser, Role, Viewer, commands, links, passwords},
};

#[derive(Subcommand)]
pub enum User {
    /// Add a person; prints a one-time link with which they choose a password
    Add {
        #[arg(long)]
        email: String,
        /// 1-100 characters
        #[arg(long)]
        name: String,
        #[arg(long, value_parser = parse_role, value_name = "administrator|manager")]
        role: Role,
        /// Grant a manager API access; administrators have it anyway
        #[arg(long)]
        api_access: bool,
        /// Read the password from the first line of standard input instead
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        format: Format,
    },
}

pub fn run(command: &User) -> anyhow::Result<Answer> {
    let User::Add { email, name, role, api_access, password_stdin, format } = command;
    let new =
        NewUser { email: email.clone(), name: name.clone(), role: *role, api_access: *api_access };
    let hash = if *password_stdin { Some(read_password()?) } else { None };
    let config = Config::from_env()?;
    let mut database = Database::open(&config)?;
    let operator = Viewer::operator();
    let (user, link) = database
        .write(|conn| {
            let user = commands::add(conn, &operator, &new)?;
            let link = match &hash {
                Some(hash) => {
                    commands::set_password(conn, &operator, user.id, hash)?;
                    None
                }
                None => Some(commands::create_password_link(conn, &operator, user.id)?),
            };
            Ok((user, link))
        })
        .map_err(|error| {
            named(error, "users_email", "Somebody with this e-mail exists already.")
        })?;
    Ok(match link {
        Some(token) => {
            let link =
                Zeroizing::new(config.base_url().join(&links::password_path(&token))?.to_string());
            Answer::credentials(
                *format,
                &[Field { label: "Link", name: "link", value: &link }],
                "It works once, within 72 hours, and is not shown again.",
            )
        }
        None => Answer::credentials(
            *format,
            &[Field { label: "E-mail", name: "email", value: &user.email }],
            "They can sign in now.",
        ),
    })
}

/// The hash of the password on the first line.
fn read_password() -> anyhow::Result<String> {
    let mut line = Zeroizing::new(String::with_capacity(2048));
    std::io::stdin()
        .lock()
        .take(2048)
        .read_line(&mut line)
        .context("The password on standard input is not UTF-8 text")?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if let Err(sentence) = passwords::check_new(password) {
        bail!(sentence);
    }
    Ok(passwords::hash(password)?)
}

fn parse_role(slug: &str) -> Result<Role, String> {
    Role::parse(slug).ok_or_else(|| "choose administrator or manager".into())
}
