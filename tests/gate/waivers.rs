//! `t4 waivers`.
