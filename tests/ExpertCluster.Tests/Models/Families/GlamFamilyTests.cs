using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>What <see cref="FamilyParityTests"/> leaves open about the relative bias and the keys of GLaM.</summary>
public sealed class GlamFamilyTests : IDisposable
{
    private const string Sizes = """
        "model_type": "glam", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 12, "num_experts": 4,
        "max_position_embeddings": 4096
        """;

    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_batch_equals_its_sequences_one_by_one()
    {
        await using ModelFixture fixture = await LoadAsync();
        int[] lengths = [1, 40, 7, 1, 33];
        DecoderSequence[] together = [.. lengths.Select(_ => fixture.Model.NewSequence())];
        for (int round = 0; round < 3; round++)
        {
            StepSlice[] slices = [.. lengths.Select((length, i) => new StepSlice(together[i], Ids(round, i, length), LogitsWanted.All))];
            StepResult batch = await fixture.Model.StepAsync(slices, fixture.Experts, Ct);
            for (int i = 0; i < lengths.Length; i++)
            {
                using DecoderSequence alone = fixture.Model.NewSequence();
                int[] all = [.. Enumerable.Range(0, round + 1).SelectMany(r => Ids(r, i, lengths[i]))];
                float[] expected = await fixture.LogitsAsync(alone, all, LogitsWanted.All);
                ModelFixture.RelativeError(batch.Logits[i], expected.AsSpan(round * lengths[i] * TinyModels.Vocabulary)).Should().BeLessThan(2e-5);
            }
        }

        foreach (DecoderSequence sequence in together)
        {
            sequence.Dispose();
        }

        static int[] Ids(int round, int sequence, int length) => GlamFamilyTests.Ids(length, (round * 10) + sequence);
    }

    [Fact]
    public async Task Distances_beyond_the_first_tables_equal_float64_loops()
    {
        TinyModel tiny = Write();
        await using ModelFixture fixture = await ModelFixture.LoadAsync(_folder.Path);
        int[] ids = Ids(620, 1);
        float[] expected = new NaiveDecoder(tiny).Logits(ids);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        var actual = new List<float>();
        int at = 0;
        foreach (int count in (int[])[500, 1, .. Enumerable.Repeat(1, 19), 100])
        {
            actual.AddRange(await fixture.LogitsAsync(sequence, ids[at..(at + count)], LogitsWanted.All));
            at += count;
        }

        ModelFixture.RelativeError([.. actual], expected).Should().BeLessThan(2e-5);
        using DecoderSequence whole = fixture.Model.NewSequence();
        ModelFixture.RelativeError(await fixture.LogitsAsync(whole, ids, LogitsWanted.All), expected).Should().BeLessThan(2e-5);
    }

    [Fact]
    public async Task A_prompt_scored_in_several_blocks_equals_the_same_in_chunks()
    {
        await using ModelFixture fixture = await LoadAsync();
        int[] ids = Ids(2300, 2);
        using DecoderSequence whole = fixture.Model.NewSequence();
        float[] blocks = await fixture.LogitsAsync(whole, ids, LogitsWanted.All);
        using DecoderSequence chunked = fixture.Model.NewSequence();
        var chunks = new List<float>();
        for (int at = 0; at < ids.Length; at += 460)
        {
            chunks.AddRange(await fixture.LogitsAsync(chunked, ids[at..(at + 460)], LogitsWanted.All));
        }

        ModelFixture.RelativeError(blocks, [.. chunks]).Should().BeLessThan(2e-5);
    }

    [Fact]
    public void The_hint_to_place_same_index_experts_together_is_given_by_this_family_alone()
    {
        Write();
        using ModelCheckpoint glam = ModelCheckpoint.Open(_folder.Path);
        glam.Shape.SameIndexTogether.Should().BeTrue();
        glam.Shape.MoeLayers.Should().Equal(1);
        glam.Shape.ExpertsPerToken.Should().Be(2);
        using TempFolder other = TestCheckpoints.Write();
        using ModelCheckpoint mixtral = ModelCheckpoint.Open(other.Path);
        mixtral.Shape.SameIndexTogether.Should().BeFalse();
    }

    [Theory]
    [InlineData("rope_theta", "10000")]
    [InlineData("rope_parameters", "{ \"rope_type\": \"default\" }")]
    [InlineData("sliding_window", "8")]
    [InlineData("decoder_sparse_step", "1")]
    [InlineData("mlp_only_layers", "[]")]
    [InlineData("attention_bias", "true")]
    [InlineData("capacity_factor", "2.0")]
    [InlineData("hidden_act", "\"tanh\"")]
    [InlineData("expert_act", "\"geglu\"")]
    [InlineData("moe_every", "0")]
    [InlineData("moe_every", "3")]
    [InlineData("num_experts_per_tok", "5")]
    [InlineData("relative_attention_num_buckets", "1")]
    [InlineData("relative_attention_max_distance", "16")]
    public void A_key_that_is_not_known_or_out_of_range_is_refused_by_name(string key, string value)
    {
        Write();
        Set(_folder, key, value);
        ((Action)(() => ModelCheckpoint.Open(_folder.Path).Dispose())).Should().Throw<ModelException>().WithMessage($"*config.json*{key}*");
    }

    [Theory]
    [InlineData("relative_attention_num_buckets", "32")]
    [InlineData("moe_every", "2")]
    [InlineData("expert_act", "\"relu\"")]
    public void Its_keys_are_refused_by_the_other_families(string key, string value)
    {
        using TempFolder other = TestCheckpoints.Write();
        Set(other, key, value);
        ((Action)(() => ModelCheckpoint.Open(other.Path).Dispose())).Should().Throw<ModelException>().WithMessage($"*config.json*{key}*");
    }

    [Fact]
    public void A_missing_table_of_biases_is_named()
    {
        TinyModel tiny = TinyModels.Create("{" + Sizes + "}", seed: 3);
        tiny.Remove("model.layers.1.self_attn.relative_attention_bias.weight");
        tiny.Write(_folder.Path);
        ((Action)(() => ModelCheckpoint.Open(_folder.Path).Dispose())).Should().Throw<CheckpointException>().WithMessage("*model.layers.1.self_attn.relative_attention_bias.weight*");
    }

    private static int[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(TinyModels.Vocabulary))];
    }

    private static void Set(TempFolder folder, string key, string value)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
    }

    private TinyModel Write()
    {
        TinyModel tiny = TinyModels.Create("{" + Sizes + "}", seed: 3);
        tiny.Write(_folder.Path);
        return tiny;
    }

    private Task<ModelFixture> LoadAsync()
    {
        Write();
        return ModelFixture.LoadAsync(_folder.Path);
    }
}
