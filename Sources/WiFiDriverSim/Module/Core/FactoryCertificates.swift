/// The factory certificates and keys of a module.
///
/// This is public test material: the keys are not secret and prove nothing. They were made for this project and are
/// valid from 2020 to 2119. `authority0` has signed `server` and `client0`; `authority1` has signed `client1`.
enum FactoryCertificates {
    static let authority0 = """
        -----BEGIN CERTIFICATE-----
        MIIByzCCAXKgAwIBAgIUQOCRNzo7MbYmC5ItLugpcHDfLeAwCgYIKoZIzj0EAwIw
        QzElMCMGA1UECgwcd2lmaXNpbSBwdWJsaWMgdGVzdCBtYXRlcmlhbDEaMBgGA1UE
        AwwRd2lmaXNpbSB0ZXN0IENBIDAwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTEyMzEy
        MzU5NTlaMEMxJTAjBgNVBAoMHHdpZmlzaW0gcHVibGljIHRlc3QgbWF0ZXJpYWwx
        GjAYBgNVBAMMEXdpZmlzaW0gdGVzdCBDQSAwMFkwEwYHKoZIzj0CAQYIKoZIzj0D
        AQcDQgAE+9+N6XZRAy115tJ/T6kqdq/aYx6WatIWGg30dD8uQb9q1K8A8628frS+
        lJ2x8yQWq0/Llil8uO5zwwXoXqUqu6NCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNV
        HQ8BAf8EBAMCAQYwHQYDVR0OBBYEFCfvflWS3IG/TGOdbg++UNbNu4u0MAoGCCqG
        SM49BAMCA0cAMEQCICm/mpnrZ+KobgWLyu92AY3QpoK3YO9ZQe6ySP2RLjCpAiBV
        eVIUXKV/FIU2C5KHf9hA1RAbFsMNFKkDePAR0KpA5A==
        -----END CERTIFICATE-----

        """

    static let authority1 = """
        -----BEGIN CERTIFICATE-----
        MIIBzDCCAXKgAwIBAgIUa3KbgelExcGvnDblTrZmfJNqUfYwCgYIKoZIzj0EAwIw
        QzElMCMGA1UECgwcd2lmaXNpbSBwdWJsaWMgdGVzdCBtYXRlcmlhbDEaMBgGA1UE
        AwwRd2lmaXNpbSB0ZXN0IENBIDEwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTEyMzEy
        MzU5NTlaMEMxJTAjBgNVBAoMHHdpZmlzaW0gcHVibGljIHRlc3QgbWF0ZXJpYWwx
        GjAYBgNVBAMMEXdpZmlzaW0gdGVzdCBDQSAxMFkwEwYHKoZIzj0CAQYIKoZIzj0D
        AQcDQgAETnIL0Xvr3+plPfhDySTV1wMYXKfrq7S45wQd89Xl0hNPlvqw/AEf2yju
        5LEIeBh8k8PClP41dthgaeiGJ7fNRaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNV
        HQ8BAf8EBAMCAQYwHQYDVR0OBBYEFJAVkL/yRi//l6rj9pEpHvlMvzMWMAoGCCqG
        SM49BAMCA0gAMEUCIGsZqJgi9MPT+3DjkUdyetsl0a+QADMLb5SGJQVf8SjBAiEA
        /MgvGSoSjTFWJYiAAUCnfmrIzMroopXEc6AGilgsPTY=
        -----END CERTIFICATE-----

        """

    static let client0 = """
        -----BEGIN CERTIFICATE-----
        MIIB/TCCAaSgAwIBAgIUeMAzkFsNhdsWPzfyGZj3Xc+BQbQwCgYIKoZIzj0EAwIw
        QzElMCMGA1UECgwcd2lmaXNpbSBwdWJsaWMgdGVzdCBtYXRlcmlhbDEaMBgGA1UE
        AwwRd2lmaXNpbSB0ZXN0IENBIDAwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTEyMzEy
        MzU5NTlaMEIxJTAjBgNVBAoMHHdpZmlzaW0gcHVibGljIHRlc3QgbWF0ZXJpYWwx
        GTAXBgNVBAMMEHdpZmlzaW0gY2xpZW50IDAwWTATBgcqhkjOPQIBBggqhkjOPQMB
        BwNCAARxQ9KD0VFNX7evrF9B+KfZfXQ/hxQGwF48wpqqzg4pcuvR5kE/E4syfk9I
        jrIh+rULSa3DAlpflgyQMJaJsg4ho3UwczAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB
        /wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUffi0L6+yY2lI
        aVX6JWi3T9JdAIYwHwYDVR0jBBgwFoAUJ+9+VZLcgb9MY51uD75Q1s27i7QwCgYI
        KoZIzj0EAwIDRwAwRAIgfZOaTw+300YHI7z4+NlhyXZXFmZbgKEtC/j/U54wZQ4C
        IGLuwiAh63eqoMeU9rcBfUNi8gMRijSWqgUCBBhv7cMM
        -----END CERTIFICATE-----

        """

    static let client0Key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgldpK7f43uM4Rej1/
        SP4uIEQNU5UtsMnP/SJFG2a8UZyhRANCAARxQ9KD0VFNX7evrF9B+KfZfXQ/hxQG
        wF48wpqqzg4pcuvR5kE/E4syfk9IjrIh+rULSa3DAlpflgyQMJaJsg4h
        -----END PRIVATE KEY-----

        """

    static let client1 = """
        -----BEGIN CERTIFICATE-----
        MIIB/jCCAaSgAwIBAgIUV/hjYo2mI2EERjzTEYwCiBRaCqEwCgYIKoZIzj0EAwIw
        QzElMCMGA1UECgwcd2lmaXNpbSBwdWJsaWMgdGVzdCBtYXRlcmlhbDEaMBgGA1UE
        AwwRd2lmaXNpbSB0ZXN0IENBIDEwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTEyMzEy
        MzU5NTlaMEIxJTAjBgNVBAoMHHdpZmlzaW0gcHVibGljIHRlc3QgbWF0ZXJpYWwx
        GTAXBgNVBAMMEHdpZmlzaW0gY2xpZW50IDEwWTATBgcqhkjOPQIBBggqhkjOPQMB
        BwNCAAQit6dBKfs1cOwu65SZ2ne4yReu2MYVqTrvbqXRfFuvSiTswHY1HOd6Amc6
        OnICbAGl1FXE4EFwcLnMUCW6joZ3o3UwczAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB
        /wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUiowL2sfbtWYs
        XNq4WrP/qeAe+k4wHwYDVR0jBBgwFoAUkBWQv/JGL/+XquP2kSke+Uy/MxYwCgYI
        KoZIzj0EAwIDSAAwRQIgRc0QPPy6Tvw9058l5FOdynocylvX8RdhFCPHmqwdCbYC
        IQCahgsWbM0uHrqgey4UkP61U3vH5oMkARRR9ig+tOyxDg==
        -----END CERTIFICATE-----

        """

    static let client1Key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiJCRVa3WqOevQj1Q
        yyP9BkFgkIEZipPdoIOydmcTsdGhRANCAAQit6dBKfs1cOwu65SZ2ne4yReu2MYV
        qTrvbqXRfFuvSiTswHY1HOd6Amc6OnICbAGl1FXE4EFwcLnMUCW6joZ3
        -----END PRIVATE KEY-----

        """

    static let server = """
        -----BEGIN CERTIFICATE-----
        MIICEDCCAbegAwIBAgIUfo0TRbRLgwEHHK2ZED2Gy3Oz7LQwCgYIKoZIzj0EAwIw
        QzElMCMGA1UECgwcd2lmaXNpbSBwdWJsaWMgdGVzdCBtYXRlcmlhbDEaMBgGA1UE
        AwwRd2lmaXNpbSB0ZXN0IENBIDAwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTEyMzEy
        MzU5NTlaMDkxJTAjBgNVBAoMHHdpZmlzaW0gcHVibGljIHRlc3QgbWF0ZXJpYWwx
        EDAOBgNVBAMMB3dpZmlzaW0wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARWij+O
        ZUjBabj0iYKOw3gpwiKk3sb5oLck63o7k8Rr1lC0sxgrHmPxDof2SKuxAxQH/LhG
        Vpg8BDvk5+lfjCxUo4GQMIGNMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeA
        MBMGA1UdJQQMMAoGCCsGAQUFBwMBMBgGA1UdEQQRMA+CB3dpZmlzaW2HBH8AAAEw
        HQYDVR0OBBYEFFhRDptHa5lTcR01ifoMITu59lBuMB8GA1UdIwQYMBaAFCfvflWS
        3IG/TGOdbg++UNbNu4u0MAoGCCqGSM49BAMCA0cAMEQCIDyljQQ07ypnMX4fQd2E
        bEF6wo2CEENeMub1wXs/DE+AAiAD6zd3egHvyrAbDMpcVxH7whDG7o+tJ/jB+tWI
        fqvYcA==
        -----END CERTIFICATE-----

        """

    static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg49D9wMn+wGL8ZgJw
        NEhkG6VQWoKkS09Eqo7HKuBO78ahRANCAARWij+OZUjBabj0iYKOw3gpwiKk3sb5
        oLck63o7k8Rr1lC0sxgrHmPxDof2SKuxAxQH/LhGVpg8BDvk5+lfjCxU
        -----END PRIVATE KEY-----

        """
}
