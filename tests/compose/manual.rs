//! The manual's page on the differences, made from the table by which the suite judges.
