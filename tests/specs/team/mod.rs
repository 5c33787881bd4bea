mod adding;
mod changing_roles;
mod granting;
mod limiting;
mod racing;
mod withdrawing;
