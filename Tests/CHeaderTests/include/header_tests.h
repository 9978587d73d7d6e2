#pragma once
/// Does nothing: that it compiles is the test.
void header_tests(void);
