//! What the vendor has, compared with what is stored, without our mapper.
