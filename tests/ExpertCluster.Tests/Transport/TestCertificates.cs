using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>Authorities and certificates made for one test, in a directory that goes with it.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory();
    private readonly Dictionary<string, X509Certificate2> _authorities = [];
    private readonly List<LaneTls> _loaded = [];

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    /// <summary>An authority's certificate, as a file.</summary>
    public string Ca(string name)
    {
        Authority(name);
        return PathOf($"{name}.pem");
    }

    /// <summary>A certificate of an authority and its key, as files.</summary>
    public (string Certificate, string Key) Issue(string authority, string name, TimeSpan? expired = null)
    {
        using var issued = Sign(authority, name, expired);
        using var key = issued.GetECDsaPrivateKey()!;
        var paths = (PathOf($"{name}.crt"), PathOf($"{name}.key"));
        File.WriteAllText(paths.Item1, issued.ExportCertificatePem());
        File.WriteAllText(paths.Item2, key.ExportPkcs8PrivateKeyPem());
        return paths;
    }

    /// <summary>The same in one PFX file.</summary>
    public string IssuePfx(string authority, string name, string password)
    {
        using var issued = Sign(authority, name, null);
        File.WriteAllBytes(PathOf($"{name}.pfx"), issued.Export(X509ContentType.Pkcs12, password));
        return PathOf($"{name}.pfx");
    }

    /// <summary>A node's TLS: its certificate from one authority, its peers' from another.</summary>
    public LaneTls Tls(string issuedBy, string trusts, TimeSpan? expired = null)
    {
        var (certificate, key) = Issue(issuedBy, $"node-{Guid.NewGuid():n}", expired);
        var tls = LaneTls.Load(certificate, key, null, Ca(trusts));
        _loaded.Add(tls);
        return tls;
    }

    public void Dispose()
    {
        _loaded.ForEach(tls => tls.Dispose());
        foreach (var authority in _authorities.Values)
        {
            authority.Dispose();
        }

        _directory.Delete(recursive: true);
    }

    private X509Certificate2 Sign(string authority, string name, TimeSpan? expired)
    {
        var by = Authority(authority);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var end = expired is { } since ? DateTimeOffset.UtcNow - since : DateTimeOffset.UtcNow.AddHours(1);
        using var bare = request.Create(by, DateTimeOffset.UtcNow.AddHours(-3), end, RandomNumberGenerator.GetBytes(12));
        return bare.CopyWithPrivateKey(key);
    }

    private X509Certificate2 Authority(string name)
    {
        if (!_authorities.TryGetValue(name, out var authority))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN=authority {name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
            _authorities[name] = authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-4), DateTimeOffset.UtcNow.AddHours(2));
            File.WriteAllText(PathOf($"{name}.pem"), authority.ExportCertificatePem());
        }

        return authority;
    }
}
