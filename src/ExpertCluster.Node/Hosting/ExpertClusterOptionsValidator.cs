using ExpertCluster.Cluster.Configuration;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Node.Hosting;

/// <summary>Refuses a host's start when an option is out of range, naming key, value and what is allowed.</summary>
internal sealed class ExpertClusterOptionsValidator : IValidateOptions<ExpertClusterOptions>
{
    public ValidateOptionsResult Validate(string? name, ExpertClusterOptions options) =>
        options.Validate() is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
}
