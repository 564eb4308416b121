//! The command tree as a whole: its help, its page in the reference, its errors.
