// OpenSSL 3, as far as it is used, looked up in the system's libraries at run time: nothing of it is needed to build.
// The signatures are those of OpenSSL's manual pages, its types opaque here.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct copenssl_ssl_ctx SSL_CTX;
typedef struct copenssl_ssl SSL;
typedef struct copenssl_method SSL_METHOD;
typedef struct copenssl_cipher SSL_CIPHER;
typedef struct copenssl_bio BIO;
typedef struct copenssl_bio_method BIO_METHOD;
typedef struct copenssl_x509 X509;
typedef struct copenssl_store X509_STORE;
typedef struct copenssl_param X509_VERIFY_PARAM;
typedef struct copenssl_key EVP_PKEY;

typedef unsigned int (*copenssl_psk_callback)(
    SSL *ssl, const char *_Nullable hint, char *identity, unsigned int identity_size, unsigned char *psk,
    unsigned int psk_size);

// X(result, name, parameters)
#define COPENSSL_SSL_FUNCTIONS(X) \
    X(const SSL_METHOD *, TLS_method, (void)) \
    X(SSL_CTX *_Nullable, SSL_CTX_new, (const SSL_METHOD *)) \
    X(void, SSL_CTX_free, (SSL_CTX *)) \
    X(long, SSL_CTX_ctrl, (SSL_CTX *, int command, long value, void *_Nullable argument)) \
    X(void, SSL_CTX_set_verify, (SSL_CTX *, int mode, void *_Nullable callback)) \
    X(int, SSL_CTX_use_certificate, (SSL_CTX *, X509 *)) \
    X(int, SSL_CTX_use_PrivateKey, (SSL_CTX *, EVP_PKEY *)) \
    X(X509_STORE *, SSL_CTX_get_cert_store, (SSL_CTX *)) \
    X(int, SSL_CTX_set_alpn_protos, (SSL_CTX *, const unsigned char *, unsigned int)) \
    X(void, SSL_CTX_set_psk_client_callback, (SSL_CTX *, copenssl_psk_callback)) \
    X(SSL *_Nullable, SSL_new, (SSL_CTX *)) \
    X(void, SSL_free, (SSL *)) \
    X(void, SSL_set_bio, (SSL *, BIO *input, BIO *output)) \
    X(void, SSL_set_connect_state, (SSL *)) \
    X(void, SSL_set_accept_state, (SSL *)) \
    X(int, SSL_do_handshake, (SSL *)) \
    X(int, SSL_read, (SSL *, void *, int)) \
    X(int, SSL_write, (SSL *, const void *, int)) \
    X(int, SSL_pending, (const SSL *)) \
    X(int, SSL_get_error, (const SSL *, int)) \
    X(int, SSL_shutdown, (SSL *)) \
    X(long, SSL_ctrl, (SSL *, int command, long value, void *_Nullable argument)) \
    X(int, SSL_set1_host, (SSL *, const char *)) \
    X(X509_VERIFY_PARAM *, SSL_get0_param, (SSL *)) \
    X(int, SSL_set_ex_data, (SSL *, int index, void *_Nullable)) \
    X(void *_Nullable, SSL_get_ex_data, (const SSL *, int index)) \
    X(long, SSL_get_verify_result, (const SSL *)) \
    X(int, SSL_set_cipher_list, (SSL *, const char *)) \
    X(const SSL_CIPHER *_Nullable, SSL_CIPHER_find, (SSL *, const unsigned char *code)) \
    X(const char *, SSL_CIPHER_get_name, (const SSL_CIPHER *))

#define COPENSSL_CRYPTO_FUNCTIONS(X) \
    X(const BIO_METHOD *, BIO_s_mem, (void)) \
    X(BIO *_Nullable, BIO_new, (const BIO_METHOD *)) \
    X(BIO *_Nullable, BIO_new_mem_buf, (const void *, int)) \
    X(int, BIO_free, (BIO *)) \
    X(int, BIO_read, (BIO *, void *, int)) \
    X(int, BIO_write, (BIO *, const void *, int)) \
    X(size_t, BIO_ctrl_pending, (BIO *)) \
    X(X509 *_Nullable, PEM_read_bio_X509, (BIO *, X509 *_Nullable *_Nullable, void *_Nullable, void *_Nullable)) \
    X(X509 *_Nullable, d2i_X509_bio, (BIO *, X509 *_Nullable *_Nullable)) \
    X(void, X509_free, (X509 *)) \
    X(int, X509_STORE_add_cert, (X509_STORE *, X509 *)) \
    X(EVP_PKEY *_Nullable, PEM_read_bio_PrivateKey, \
        (BIO *, EVP_PKEY *_Nullable *_Nullable, void *_Nullable, void *_Nullable)) \
    X(EVP_PKEY *_Nullable, d2i_PrivateKey_bio, (BIO *, EVP_PKEY *_Nullable *_Nullable)) \
    X(void, EVP_PKEY_free, (EVP_PKEY *)) \
    X(int, X509_VERIFY_PARAM_set_flags, (X509_VERIFY_PARAM *, unsigned long)) \
    X(void, X509_VERIFY_PARAM_set_time, (X509_VERIFY_PARAM *, int64_t)) \
    X(const char *, X509_verify_cert_error_string, (long)) \
    X(unsigned long, ERR_get_error, (void)) \
    X(void, ERR_clear_error, (void)) \
    X(const char *_Nullable, ERR_reason_error_string, (unsigned long))

struct copenssl {
#define COPENSSL_MEMBER(result, name, parameters) result (*name) parameters;
    COPENSSL_SSL_FUNCTIONS(COPENSSL_MEMBER)
    COPENSSL_CRYPTO_FUNCTIONS(COPENSSL_MEMBER)
#undef COPENSSL_MEMBER
};

/// Loads the system's OpenSSL 3 for good and fills the table; 0 where it is not there or lacks a function.
int copenssl_load(struct copenssl *table);

#pragma clang assume_nonnull end
