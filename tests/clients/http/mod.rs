//! The HTTP edge, shown with clients that nobody here wrote.

mod upgrade;
