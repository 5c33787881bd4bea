mod crossing_sites;
mod sessions;
mod signing_in;
mod signing_out;
mod visiting;
