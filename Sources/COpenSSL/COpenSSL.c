#include "COpenSSL.h"
#include <dlfcn.h>

// All members of the table.
#define FUNCTIONS(X) \
    X(TLS_method) X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_verify) X(SSL_CTX_use_certificate) \
    X(SSL_CTX_use_PrivateKey) X(SSL_CTX_get_cert_store) X(SSL_CTX_set_alpn_protos) \
    X(SSL_CTX_set_psk_client_callback) X(SSL_new) X(SSL_free) X(SSL_set_bio) X(SSL_set_connect_state) \
    X(SSL_set_accept_state) X(SSL_do_handshake) X(SSL_read) X(SSL_write) X(SSL_pending) X(SSL_get_error) \
    X(SSL_shutdown) X(SSL_ctrl) X(SSL_set1_host) X(SSL_get0_param) X(SSL_set_ex_data) X(SSL_get_ex_data) \
    X(SSL_get_verify_result) X(SSL_set_cipher_list) X(SSL_CIPHER_find) X(SSL_CIPHER_get_name) X(BIO_s_mem) \
    X(BIO_new) X(BIO_new_mem_buf) X(BIO_free) X(BIO_read) X(BIO_write) X(BIO_ctrl_pending) X(PEM_read_bio_X509) \
    X(d2i_X509_bio) X(X509_free) X(X509_STORE_add_cert) X(PEM_read_bio_PrivateKey) X(d2i_PrivateKey_bio) \
    X(EVP_PKEY_free) X(X509_VERIFY_PARAM_set_flags) X(X509_VERIFY_PARAM_set_time) X(X509_verify_cert_error_string) \
    X(ERR_get_error) X(ERR_clear_error) X(ERR_reason_error_string)

#define COUNT(name) +1
_Static_assert(sizeof(struct copenssl) == (FUNCTIONS(COUNT)) * sizeof(void *), "FUNCTIONS lacks a member");

int copenssl_load(struct copenssl *table) {
    // libssl loads its libcrypto; dlsym finds the functions of both.
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return 0;
#define LOOK_UP(name) \
    *(void **)&table->name = dlsym(library, #name); \
    if (!table->name) return 0;
    FUNCTIONS(LOOK_UP)
    return 1;
}
