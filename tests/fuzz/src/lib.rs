//! Throws broken input at everything that reads what somebody else wrote.
