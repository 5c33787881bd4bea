mod choosing_a_password;
mod setting_up;
