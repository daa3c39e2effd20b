using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Models;
using ExpertCluster.Models.Generation;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Cli.Verification;

/// <summary>
/// Runs every sequence of a golden file twice – whole, and token by token through the KV cache – and its prompt greedily.
/// </summary>
internal sealed class GoldenVerifier(ModelGateway gateway, Golden golden, double tolerance)
{
    private readonly List<Check> _checks = [];

    private int Vocabulary => gateway.Shape.VocabularySize;

    private int Sequences => golden.Targets.Count;

    private int Length => golden.Targets[0].Length;

    public async Task<VerifyReport> RunAsync(CancellationToken cancellationToken)
    {
        string? hash = null;
        if (Sequences > 0)
        {
            var captures = new List<StepCapture>();
            var whole = new List<float[]>();
            var stepped = new List<float[]>();
            for (var i = 0; i < Sequences; i++)
            {
                var capture = new StepCapture();
                captures.Add(capture);
                var request = new ForwardRequest(
                    "verify", golden.Targets[i], Source: gateway.Shape.IsEncoderDecoder ? golden.InputIds[i] : null);
                whole.Add(await gateway.ForwardAsync(request with { Capture = capture }, cancellationToken));
                stepped.Add(await gateway.ForwardAsync(request with { TokenByToken = true }, cancellationToken));
            }

            hash = CompareLogits(whole, stepped);
            await CompareStatesAsync(captures);
        }

        if (golden.Generated is { } generated)
        {
            await CompareGeneratedAsync(generated, cancellationToken);
        }

        return new VerifyReport(gateway.Name, tolerance, hash, _checks);
    }

    private string CompareLogits(List<float[]> whole, List<float[]> stepped)
    {
        var all = Join(whole);
        var steps = Join(stepped);
        var reference = golden.Has("logits") ? golden.Floats("logits", Sequences, Length, Vocabulary) : null;
        if (reference is not null)
        {
            Compare("logits", reference, all);
        }

        // Where the file has no logits of every position, the whole pass stands in for them.
        Compare(reference is null ? "kv cache against whole pass" : "kv cache, every position", reference ?? all, steps);
        if (golden.Has("logits_last"))
        {
            var last = golden.Floats("logits_last", Sequences, Vocabulary);
            Compare("logits_last", last, Join(whole.Select(LastRow)));
            Compare("logits_last, kv cache", last, Join(stepped.Select(LastRow)));
        }

        if (golden.Has("nll"))
        {
            Compare("nll", golden.Floats("nll", 1), [(float)NegativeLogLikelihood(whole)]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(all.AsSpan())));
    }

    private async Task CompareStatesAsync(List<StepCapture> captures)
    {
        foreach (var state in golden.States)
        {
            // Layers with experts count by themselves, as the reference counts.
            var length = state.Side == GoldenSide.Encoder ? golden.InputIds[0].Length : Length;
            var all = captures.Select(c => Captured(c, state)).ToArray();
            Compare(
                state.Name, golden.Floats(state.Name, Sequences, length, state.IsRouter ? gateway.Shape.ExpertsPerLayer : gateway.Shape.HiddenSize),
                Join(all));
        }

        if (golden.Has(Golden.EncoderOutput))
        {
            var reference = golden.Floats(Golden.EncoderOutput, Sequences, golden.InputIds[0].Length, gateway.Shape.HiddenSize);
            Compare(Golden.EncoderOutput, reference, Join(captures.Select(c => c.HiddenStates[gateway.Shape.EncoderLayers])));
        }

        if (golden.Has("aux_loss"))
        {
            var reference = golden.Floats("aux_loss", 1);
            var loss = await AuxiliaryLossAsync(captures);
            Compare("aux_loss", reference, [loss]);
        }
    }

    /// <summary>What was captured where a golden state is of. An encoder's come before its decoder's.</summary>
    private float[] Captured(StepCapture capture, GoldenState state)
    {
        var shape = gateway.Shape;
        var encoder = state.IsRouter ? shape.MoeLayers.Count(layer => layer < shape.EncoderLayers) : shape.EncoderLayers + 1;
        var all = state.IsRouter ? capture.RouterLogits : capture.HiddenStates;
        var (first, count) = state.Side switch
        {
            GoldenSide.Encoder => (0, encoder),
            GoldenSide.Decoder => (encoder, all.Count - encoder),
            _ => (0, all.Count),
        };
        return state.Index < count
            ? all[first + state.Index]
            : throw golden.Missing(state.Name, count, state.IsRouter ? "layers with a router" : "hidden states");
    }

    private async Task<float> AuxiliaryLossAsync(List<StepCapture> captures)
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        return await executor.RunAsync(() => AuxiliaryLoss.LoadBalancing(
            [.. Enumerable.Range(0, captures[0].RouterLogits.Count).Select(layer => torch.tensor(
                Join(captures.Select(c => c.RouterLogits[layer])), (long)Sequences * Length, gateway.Shape.ExpertsPerLayer))],
            gateway.Shape.ExpertsPerLayer, gateway.Shape.ExpertsPerToken).item<float>());
    }

    private async Task CompareGeneratedAsync(int[] generated, CancellationToken cancellationToken)
    {
        // An encoder–decoder's answer starts anew, with a token of its own.
        var prompt = golden.PromptIds!;
        var answer = gateway.Shape.DecoderStartToken is { } start && gateway.Shape.IsEncoderDecoder ? [start] : new List<int>(prompt);
        if (generated.Length > answer.Count)
        {
            var request = new GenerationRequest("verify", prompt, generated.Length - answer.Count, new SamplingOptions(), [], []);
            await foreach (var token in gateway.GenerateAsync(request, cancellationToken))
            {
                if (token.Id >= 0)
                {
                    answer.Add(token.Id);
                }
            }
        }

        _checks.Add(Check.That(VerifyReport.GeneratedCheck, answer.SequenceEqual(generated)));
    }

    private void Compare(string name, ReadOnlySpan<float> reference, ReadOnlySpan<float> actual) =>
        _checks.Add(Check.AtMost(name, Comparison.RelativeError(reference, actual), tolerance));

    /// <summary>Mean over all predicted positions, natural logarithm.</summary>
    private double NegativeLogLikelihood(List<float[]> logits)
    {
        double sum = 0;
        var count = 0;
        for (var s = 0; s < Sequences; s++)
        {
            for (var position = 0; position + 1 < Length; position++)
            {
                var row = logits[s].AsSpan(position * Vocabulary, Vocabulary);
                double largest = System.Numerics.Tensors.TensorPrimitives.Max(row);
                double total = 0;
                foreach (var value in row)
                {
                    total += Math.Exp(value - largest);
                }

                sum += largest + Math.Log(total) - row[golden.Targets[s][position + 1]];
                count++;
            }
        }

        return count == 0 ? 0 : sum / count;
    }

    private float[] LastRow(float[] logits) => logits[^Vocabulary..];

    private static float[] Join(IEnumerable<float[]> parts) => [.. parts.SelectMany(p => p)];
}
