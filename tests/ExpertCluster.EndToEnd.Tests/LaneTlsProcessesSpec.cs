using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Rows between two real processes, enciphered.</summary>
public sealed class LaneTlsProcessesSpec : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<CliProcess> _nodes = [];

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        _directory.Dispose();
    }

    [Fact]
    public async Task A_gateway_reaches_experts_of_another_process_over_TLS_and_the_answer_is_the_same()
    {
        var (ports, gateway) = (Ports.Free(2), Ports.Free(1)[0]);
        Certificates();
        Start(ports[0], "--role", "gateway", "--gateway-port", $"{gateway}");
        Start(ports[1], "--role", "expert");
        await _nodes[0].SeeAsync($"Clients can connect to 127.0.0.1:{gateway}");
        var (code, json) = await CliProcess.RunJsonAsync("generate", "--connect", $"127.0.0.1:{gateway}", "--prompt", "ROMEO:", "--max-tokens", "8");
        code.Should().Be(0);
        await _nodes[0].SeeAsync("TCP, Tls1");
        var (_, embedded) = await CliProcess.RunJsonAsync("generate", "--nodes", "1", "--prompt", "ROMEO:", "--max-tokens", "8");
        json.GetProperty("text").GetString().Should().Be(embedded.GetProperty("text").GetString());

        void Start(int port, params string[] role) => _nodes.Add(CliProcess.Start(
            [
                "node", "--port", $"{port}", "--seed", $"127.0.0.1:{ports[0]}", "--model", "folio-moe", "--threads", "1", "--min-expert-nodes", "1",
                "--exit-with-input", "--set", "Lane:UnixSockets=false", "--set", $"Lane:Tls:CertificatePath={_directory.Of("node.crt")}",
                "--set", $"Lane:Tls:KeyPath={_directory.Of("node.key")}", "--set", $"Lane:Tls:CaPath={_directory.Of("ca.pem")}", .. role,
            ]));
    }

    [Fact]
    public async Task A_certificate_that_can_not_be_used_ends_the_start_with_one_line()
    {
        Certificates();
        await File.WriteAllTextAsync(_directory.Of("node.key"), "no key", TestContext.Current.CancellationToken);
        var (code, _, error) = await CliProcess.RunAsync(
            "node", "--port", "0", "--model", "folio-moe", "--set", $"Lane:Tls:CertificatePath={_directory.Of("node.crt")}",
            "--set", $"Lane:Tls:KeyPath={_directory.Of("node.key")}", "--set", $"Lane:Tls:CaPath={_directory.Of("ca.pem")}");
        code.Should().Be(2);
        error.Trim().Split('\n').Should().ContainSingle().Which.Should().Contain($"ExpertCluster:Lane:Tls:KeyPath = {_directory.Of("node.key")}: ");
    }

    private void Certificates()
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var ca = new CertificateRequest("CN=authority", caKey, HashAlgorithmName.SHA256);
        ca.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = ca.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256)
            .Create(authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(12));
        File.WriteAllText(_directory.Of("ca.pem"), authority.ExportCertificatePem());
        File.WriteAllText(_directory.Of("node.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(_directory.Of("node.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
