using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Logits <c>x·Wᵀ</c>, computed in the context's precision whatever the rows' type (selective precision).</summary>
public sealed class LinearRouter : nn.Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _noise;
    private readonly double _jitter;

    /// <summary>Creates a router.</summary>
    /// <param name="hidden">H.</param>
    /// <param name="experts">E.</param>
    /// <param name="options">How it is made.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a jitter outside 0 … 1.</exception>
    public LinearRouter(int hidden, int experts, RouterOptions options)
        : base(nameof(LinearRouter))
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        if (!(options.Jitter is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Jitter, "Jitter must be 0 to below 1.");
        }

        (Hidden, Experts, _jitter) = (hidden, experts, options.Jitter);
        Tensor start = WeightInit.Create(options.Init, experts, hidden, options.Generator, options.Type, options.Device);
        _weight = new Parameter(start, !options.Frozen);
        register_parameter("weight", _weight);
        if (options.LearnNoise)
        {
            _noise = new Parameter(zeros(experts, hidden, dtype: options.Type, device: options.Device), !options.Frozen);
            register_parameter("noise", _noise);
        }
    }

    /// <summary>Width H of the rows.</summary>
    public int Hidden { get; }

    /// <summary>Number of experts E.</summary>
    public int Experts { get; }

    /// <summary>The weight, [E,H].</summary>
    public Parameter Weight => _weight;

    /// <summary>The noise's weight, [E,H]; null unless learned.</summary>
    public Parameter? NoiseWeight => _noise;

    /// <summary>Computes the logits.</summary>
    /// <param name="rows">[T,H], any floating-point type.</param>
    /// <param name="context">Precision, and whether inputs jitter.</param>
    /// <exception cref="ArgumentException">Rows of another shape.</exception>
    public RouterOutput Forward(Tensor rows, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(context);
        long[] shape = rows.shape;
        if (shape.Length != 2 || shape[1] != Hidden)
        {
            throw new ArgumentException($"Rows [{string.Join(", ", shape)}] don't fit a router of [{Experts}, {Hidden}].", nameof(rows));
        }

        Tensor inputs = rows.to(context.Precision);
        if (context.Training && _jitter > 0)
        {
            Tensor uniform = rand(shape, dtype: context.Precision, device: rows.device, generator: context.Draw("Jitter"));
            inputs = inputs * ((uniform * (2 * _jitter)) + (1 - _jitter));
        }

        Tensor logits = nn.functional.linear(inputs, _weight.to(context.Precision));
        return new RouterOutput(logits, _noise is null ? null : nn.functional.linear(inputs, _noise.to(context.Precision)));
    }
}
