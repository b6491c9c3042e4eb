/* strength: keys that are too small or too large; the rest is seen in handshakes (verify_test.c).
 */
#include "certs/io/strength.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

static void refuses_giant_and_tiny_rsa(void **state)
{
    (void)state;
    static const int bits[] = {512, 2047, 8200, 16384};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        BIGNUM *number = BN_new();
        BIGNUM *exponent = BN_new();
        BN_rand(number, bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        BN_set_word(exponent, 65537);
        OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, number);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
        OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
        EVP_PKEY *key = NULL;
        assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
        assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
        assert_false(strength_key(key));
        EVP_PKEY_free(key);
        EVP_PKEY_CTX_free(context);
        OSSL_PARAM_free(parameters);
        OSSL_PARAM_BLD_free(builder);
        BN_free(exponent);
        BN_free(number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_giant_and_tiny_rsa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
