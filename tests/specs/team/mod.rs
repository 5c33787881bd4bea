mod adding;
mod changing_roles;
mod disabling;
mod granting;
