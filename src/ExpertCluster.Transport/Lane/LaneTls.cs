using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ExpertCluster.Transport;

/// <summary>
/// The certificate a node shows, and the authorities that those of its peers must chain to. Both ends show one. A certificate's names are not
/// compared with anything: whoever has one of these authorities is a node, and its id and cluster are the greeting's affair.
/// </summary>
public sealed class LaneTls : IDisposable
{
    private const string Section = "ExpertCluster:Lane:Tls:";
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _intermediates;
    private readonly X509Certificate2Collection _authorities;
    private readonly SslStreamCertificateContext _context;

    private LaneTls(X509Certificate2 certificate, X509Certificate2Collection intermediates, X509Certificate2Collection authorities)
    {
        (_certificate, _intermediates, _authorities) = (certificate, intermediates, authorities);
        _context = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
    }

    /// <summary>Reads the files.</summary>
    /// <param name="certificatePath">PEM, the node's own certificate first and intermediate ones behind it; or PFX.</param>
    /// <param name="keyPath">PEM with the certificate's private key; null for PFX, or where it is in the same file.</param>
    /// <param name="password">Opens the PFX; null for none.</param>
    /// <param name="caPath">PEM with the authorities of peers.</param>
    /// <exception cref="InvalidDataException">A file is missing or holds something else; the message names option and file.</exception>
    public static LaneTls Load(string certificatePath, string? keyPath, string? password, string caPath)
    {
        var authorities = Read("CaPath", caPath, () =>
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(caPath);
            return all.Count > 0 ? all : throw new CryptographicException("it holds no certificate in PEM form");
        });
        return Read("CertificatePath", certificatePath, () => IsPfx(certificatePath) ? FromPfx() : FromPem());

        LaneTls FromPfx()
        {
            var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(certificatePath, password);
            var own = all.FirstOrDefault(c => c.HasPrivateKey) ?? throw new CryptographicException("it holds no private key");
            all.Remove(own);
            return new LaneTls(own, all, authorities);
        }

        LaneTls FromPem()
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(certificatePath);
            if (all.Count == 0)
            {
                throw new CryptographicException("it holds no certificate in PEM form");
            }

            using var bare = all[0];
            all.RemoveAt(0);
            var key = Read("KeyPath", keyPath ?? certificatePath, () => File.ReadAllText(keyPath ?? certificatePath));
            return new LaneTls(Read("KeyPath", keyPath ?? certificatePath, () => WithKey(certificatePath, key)), all, authorities);
        }
    }

    /// <summary>Whether a file is PFX, by its name.</summary>
    public static bool IsPfx(string path) => Path.GetExtension(path).ToUpperInvariant() is ".PFX" or ".P12";

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        foreach (var certificate in _intermediates.Concat(_authorities))
        {
            certificate.Dispose();
        }
    }

    /// <summary>Becomes the server's end.</summary>
    /// <exception cref="AuthenticationException">The other end speaks no TLS, or has no good certificate.</exception>
    internal void Accept(SslStream stream, Func<string?, bool> refused) => stream.AuthenticateAsServer(new SslServerAuthenticationOptions
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => !refused(Fault(certificate, chain)),
    });

    /// <summary>Becomes the client's end.</summary>
    /// <exception cref="AuthenticationException">The other end speaks no TLS, or has no good certificate.</exception>
    internal void Connect(SslStream stream, Func<string?, bool> refused) => stream.AuthenticateAsClient(new SslClientAuthenticationOptions
    {
        TargetHost = "expertcluster-lane",
        ClientCertificateContext = _context,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => !refused(Fault(certificate, chain)),
    });

    /// <summary>What is wrong with a peer's certificate; null when it is good.</summary>
    private string? Fault(X509Certificate? certificate, X509Chain? presented)
    {
        if (certificate is null)
        {
            return "it showed no certificate";
        }

        using var own = new X509Certificate2(certificate);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ExtraStore.AddRange(new X509Certificate2Collection(presented?.ChainPolicy.ExtraStore ?? []));
        return chain.Build(own) ? null
            : $"its certificate '{own.Subject}' is refused: {string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation.Trim().TrimEnd('.')))}";
    }

    private static X509Certificate2 WithKey(string certificatePath, string key)
    {
        var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(certificatePath), key);
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        // Windows serves only with keys that it keeps itself.
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static T Read<T>(string option, string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"{Section}{option} = {path}: {(File.Exists(path) ? e.Message : "no such file")}", e);
        }
    }
}
