using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Configuration;

/// <summary>
/// TLS on the lane's TCP connections, with a certificate at both ends: all nodes of a cluster have it or none. Unix sockets stay as they are.
/// None by default: the network is trusted then.
/// </summary>
public sealed class LaneTlsOptions
{
    /// <summary>This node's certificate: PEM, with intermediate ones behind it, or PFX (<c>.pfx</c>, <c>.p12</c>).</summary>
    public string? CertificatePath { get; set; }

    /// <summary>The certificate's private key, PEM; may be left out where it is in the certificate's file.</summary>
    public string? KeyPath { get; set; }

    /// <summary>Opens the PFX, where it needs that.</summary>
    public string? Password { get; set; }

    /// <summary>The authorities, PEM, that the certificates of other nodes must chain to. Their names are not compared with anything.</summary>
    public string? CaPath { get; set; }

    /// <summary>Whether there is anything of it.</summary>
    public bool IsOn => CertificatePath is not null || KeyPath is not null || Password is not null || CaPath is not null;

    /// <summary>Reads the files; null when it is off.</summary>
    /// <exception cref="InvalidDataException">A file holds something else than it should.</exception>
    public LaneTls? Load() => IsOn ? LaneTls.Load(CertificatePath!, KeyPath, Password, CaPath!) : null;

    internal void Validate(OptionsErrors errors)
    {
        if (!IsOn)
        {
            return;
        }

        Exists("CertificatePath", CertificatePath);
        Exists("CaPath", CaPath);
        if (KeyPath is not null)
        {
            Exists("KeyPath", KeyPath);
        }

        var pfx = CertificatePath is not null && LaneTls.IsPfx(CertificatePath);
        if (pfx && KeyPath is not null)
        {
            errors.Add("Lane:Tls:KeyPath", KeyPath, "must be left out: the key is in the PFX of Lane:Tls:CertificatePath");
        }

        if (!pfx && Password is not null)
        {
            errors.Add("Lane:Tls:Password", "(hidden)", "is for a certificate in a .pfx or .p12 file (Lane:Tls:CertificatePath)");
        }

        void Exists(string key, string? path)
        {
            if (string.IsNullOrWhiteSpace(path))
            {
                errors.Add($"Lane:Tls:{key}", path, "must not be empty where there is TLS");
            }
            else if (!File.Exists(path))
            {
                errors.Add($"Lane:Tls:{key}", path, "no such file");
            }
        }
    }
}
