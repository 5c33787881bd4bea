mod adding;
mod changing_roles;
mod disabling;
mod granting;
mod limiting;
mod racing;
mod waiting;
mod withdrawing;
