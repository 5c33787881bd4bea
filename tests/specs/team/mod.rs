mod adding;
mod changing_roles;
mod granting;
