// Owns the header that is precompiled for every test; it holds nothing else.
