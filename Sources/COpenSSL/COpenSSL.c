#include "COpenSSL.h"
#include <dlfcn.h>

int copenssl_load(struct copenssl *table) {
    // libssl brings its libcrypto along; dlsym on it finds both.
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return 0;
#define COPENSSL_LOOK_UP(result, name, parameters) \
    *(void **)&table->name = dlsym(library, #name); \
    if (!table->name) return 0;
    COPENSSL_SSL_FUNCTIONS(COPENSSL_LOOK_UP)
    COPENSSL_CRYPTO_FUNCTIONS(COPENSSL_LOOK_UP)
    return 1;
}
