// The part of OpenSSL 3 that is used, looked up in the system's libraries at run time. Building needs no part of
// OpenSSL. The signatures are those of OpenSSL's manual pages; the types are opaque.
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

/// OpenSSL's functions under their own names.
struct copenssl {
    const SSL_METHOD *_Nonnull (*_Nonnull TLS_method)(void);
    SSL_CTX *_Nullable (*_Nonnull SSL_CTX_new)(const SSL_METHOD *);
    void (*SSL_CTX_free)(SSL_CTX *);
    long (*SSL_CTX_ctrl)(SSL_CTX *, int command, long value, void *_Nullable argument);
    void (*SSL_CTX_set_verify)(SSL_CTX *, int mode, void *_Nullable callback);
    int (*SSL_CTX_use_certificate)(SSL_CTX *, X509 *);
    int (*SSL_CTX_use_PrivateKey)(SSL_CTX *, EVP_PKEY *);
    X509_STORE *_Nonnull (*_Nonnull SSL_CTX_get_cert_store)(SSL_CTX *);
    int (*SSL_CTX_set_alpn_protos)(SSL_CTX *, const unsigned char *, unsigned int);
    void (*SSL_CTX_set_psk_client_callback)(SSL_CTX *, copenssl_psk_callback);
    SSL *_Nullable (*_Nonnull SSL_new)(SSL_CTX *);
    void (*SSL_free)(SSL *);
    void (*SSL_set_bio)(SSL *, BIO *input, BIO *output);
    void (*SSL_set_connect_state)(SSL *);
    void (*SSL_set_accept_state)(SSL *);
    int (*SSL_do_handshake)(SSL *);
    int (*SSL_read)(SSL *, void *, int);
    int (*SSL_write)(SSL *, const void *, int);
    int (*SSL_pending)(const SSL *);
    int (*SSL_get_error)(const SSL *, int);
    int (*SSL_shutdown)(SSL *);
    long (*SSL_ctrl)(SSL *, int command, long value, void *_Nullable argument);
    int (*SSL_set1_host)(SSL *, const char *);
    X509_VERIFY_PARAM *_Nonnull (*_Nonnull SSL_get0_param)(SSL *);
    int (*SSL_set_ex_data)(SSL *, int index, void *_Nullable);
    void *_Nullable (*_Nonnull SSL_get_ex_data)(const SSL *, int index);
    long (*SSL_get_verify_result)(const SSL *);
    int (*SSL_set_cipher_list)(SSL *, const char *);
    const SSL_CIPHER *_Nullable (*_Nonnull SSL_CIPHER_find)(SSL *, const unsigned char *code);
    const char *_Nonnull (*_Nonnull SSL_CIPHER_get_name)(const SSL_CIPHER *);
    const BIO_METHOD *_Nonnull (*_Nonnull BIO_s_mem)(void);
    BIO *_Nullable (*_Nonnull BIO_new)(const BIO_METHOD *);
    BIO *_Nullable (*_Nonnull BIO_new_mem_buf)(const void *, int);
    int (*BIO_free)(BIO *);
    int (*BIO_read)(BIO *, void *, int);
    int (*BIO_write)(BIO *, const void *, int);
    size_t (*BIO_ctrl_pending)(BIO *);
    X509 *_Nullable (*_Nonnull PEM_read_bio_X509)(BIO *, X509 *_Nullable *_Nullable, void *_Nullable, void *_Nullable);
    X509 *_Nullable (*_Nonnull d2i_X509_bio)(BIO *, X509 *_Nullable *_Nullable);
    void (*X509_free)(X509 *);
    int (*X509_STORE_add_cert)(X509_STORE *, X509 *);
    EVP_PKEY *_Nullable (*_Nonnull PEM_read_bio_PrivateKey)(BIO *, EVP_PKEY *_Nullable *_Nullable, void *_Nullable, void *_Nullable);
    EVP_PKEY *_Nullable (*_Nonnull d2i_PrivateKey_bio)(BIO *, EVP_PKEY *_Nullable *_Nullable);
    void (*EVP_PKEY_free)(EVP_PKEY *);
    int (*X509_VERIFY_PARAM_set_flags)(X509_VERIFY_PARAM *, unsigned long);
    void (*X509_VERIFY_PARAM_set_time)(X509_VERIFY_PARAM *, int64_t);
    const char *_Nonnull (*_Nonnull X509_verify_cert_error_string)(long);
    unsigned long (*ERR_get_error)(void);
    void (*ERR_clear_error)(void);
    const char *_Nullable (*_Nonnull ERR_reason_error_string)(unsigned long);
};

/// Loads the system's OpenSSL 3 permanently and fills the table. Returns 0 if it is not installed or lacks a function.
int copenssl_load(struct copenssl *table);

#pragma clang assume_nonnull end
