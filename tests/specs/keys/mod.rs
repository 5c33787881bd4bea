//! Keys, from the wizard to the grave.

mod creating;
