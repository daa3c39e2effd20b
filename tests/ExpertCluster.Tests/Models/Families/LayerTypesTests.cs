using ExpertCluster.Models;
using ExpertCluster.Models.Families;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>layer_types that change nothing, since they name what every layer has anyway.</summary>
public sealed class LayerTypesTests
{
    private const string Full = """ "layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"] """;

    [Theory]
    [InlineData("mixtral")]
    [InlineData("olmoe")]
    [InlineData("qwen2_moe")]
    [InlineData("qwen3_moe")]
    [InlineData("gpt_oss")]
    [InlineData("deepseek_v2")]
    [InlineData("deepseek_v3")]
    [InlineData("glam")]
    public void Full_attention_in_every_layer_is_accepted_and_means_no_window(string family)
    {
        ModelDefinition definition = FamilyConfigs.Define(FamilyConfigs.With(family, Full));
        Enumerable.Range(0, definition.Shape.Layers).Should().OnlyContain(layer => definition.Decoder!.Window(layer) == null);
    }

    [Theory]
    [InlineData("olmoe")]
    [InlineData("deepseek_v3")]
    [InlineData("glam")]
    public void A_list_of_another_length_is_refused(string family) =>
        FluentActions.Invoking(() => FamilyConfigs.Define(FamilyConfigs.With(family, """ "layer_types": ["full_attention"] """)))
            .Should().Throw<ModelException>().WithMessage("*layer_types*1 entries for 4 layers*");
}
