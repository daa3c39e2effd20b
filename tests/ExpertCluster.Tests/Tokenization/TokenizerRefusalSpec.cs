using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

public sealed class TokenizerRefusalSpec : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenizer-spec-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "model.type")]
    [InlineData("model.type", "\"Unigram\"", "model.type")]
    [InlineData("model.byte_fallback", "true", "model.byte_fallback")]
    [InlineData("model.dropout", "0.1", "model.dropout")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "model.continuing_subword_prefix")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix")]
    [InlineData("model.novelty", "1", "novelty")]
    [InlineData("model.ignore_merges", "3", "model.ignore_merges")]
    [InlineData("model.merges", "[[\"a\",\"zz\"]]", "model.merges[0]")]
    [InlineData("model.merges", "[[\"a\"]]", "model.merges[0]")]
    [InlineData("model.merges", "[\"a  b\"]", "model.merges[0]")]
    [InlineData("model.merges", "[7]", "model.merges[0]")]
    [InlineData("model.merges", "{}", "model.merges")]
    [InlineData("model.vocab", "{}", "model.vocab")]
    [InlineData("model.vocab", "[]", "model.vocab")]
    [InlineData("model.vocab", "{\"a\":-1}", "model.vocab['a']")]
    [InlineData("model.vocab", "{\"a\":2147483647}", "model.vocab['a']")]
    [InlineData("model.vocab", "{\"a\":1e99}", "model.vocab['a']")]
    [InlineData("model.vocab", "{\"a\":1.5}", "model.vocab['a']")]
    [InlineData("model.vocab", "{\"a\":1,\"b\":1}", "model.vocab['b']")]
    [InlineData("normalizer", "{\"type\":\"NFKC\"}", "normalizer.type")]
    [InlineData("normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Lowercase\"}]}", "normalizer.normalizers[0].type")]
    [InlineData("pre_tokenizer", "null", "pre_tokenizer")]
    [InlineData("pre_tokenizer", "{\"type\":\"Metaspace\"}", "pre_tokenizer.type")]
    [InlineData("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"}]}", "pre_tokenizer")]
    [InlineData("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"Digits\"}]}", "pre_tokenizer.pretokenizers[1]")]
    [InlineData("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Contiguous\"}", "pre_tokenizer.behavior")]
    [InlineData("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\"}]}", "pre_tokenizer.pretokenizers[0].pattern.Regex")]
    [InlineData("post_processor", "{\"type\":\"BertProcessing\"}", "post_processor.type")]
    [InlineData("post_processor", "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}", "post_processor.special_tokens['x']")]
    [InlineData("post_processor", "{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}", "post_processor.single")]
    [InlineData("decoder", "null", "decoder")]
    [InlineData("decoder", "{\"type\":\"WordPiece\"}", "decoder.type")]
    [InlineData("added_tokens", "[{\"id\":1,\"content\":\"\"}]", "added_tokens[0].content")]
    [InlineData("added_tokens", "[{\"id\":1}]", "added_tokens[0].content")]
    [InlineData("added_tokens", "[{\"content\":\"x\"}]", "added_tokens[0].id")]
    [InlineData("added_tokens", "[{\"id\":1,\"content\":\"<x>\"}]", "added_tokens[0].id")]
    [InlineData("added_tokens", "[{\"id\":999,\"content\":\"a\"}]", "added_tokens[0].id")]
    [InlineData("added_tokens", "[{\"id\":2000000000,\"content\":\"<x>\"}]", "added_tokens[0].id")]
    [InlineData("added_tokens", "[{\"id\":300,\"content\":\"<x>\"},{\"id\":300,\"content\":\"<y>\"}]", "added_tokens[1].id")]
    [InlineData("added_tokens", "[{\"id\":300,\"content\":\"<x>\",\"magic\":true}]", "added_tokens[0]")]
    [InlineData("added_tokens", "[{\"id\":300,\"content\":\"<x>\",\"lstrip\":1}]", "added_tokens[0].lstrip")]
    [InlineData("surprise", "1", "surprise")]
    public void Anything_unknown_or_impossible_is_refused_with_file_and_key(string key, string json, string expected)
    {
        var file = new TokenizerJsonBuilder().With(key, json);
        FluentActions.Invoking(file.Build).Should().Throw<TokenizerException>()
            .Where(error => error.File == "tokenizer.json" && error.Message.StartsWith("tokenizer.json: ", StringComparison.Ordinal))
            .WithMessage($"*{expected.Replace("*", "", StringComparison.Ordinal)}*");
    }

    [Fact]
    public void An_unknown_token_that_would_matter_is_refused()
    {
        var file = new TokenizerJsonBuilder().With("model.unk_token", "\"a\"");
        file.Build().Encode("a").Should().Equal('a');
        ((System.Text.Json.Nodes.JsonObject)file.Model["vocab"]!).Remove("b");
        FluentActions.Invoking(file.Build).Should().Throw<TokenizerException>().Where(error => error.Key == "model.unk_token");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("nul")]
    [InlineData("{\"model\":{}} x")]
    [InlineData("{\"model\":{},\"model\":{}}")]
    public void Text_that_is_no_tokenizer_file_is_refused(string json)
    {
        FluentActions.Invoking(() => TokenizerLoader.ParseJson(System.Text.Encoding.UTF8.GetBytes(json), "f")).Should().Throw<TokenizerException>();
    }

    [Fact]
    public void A_token_given_twice_is_refused()
    {
        var json = System.Text.Encoding.UTF8.GetString(new TokenizerJsonBuilder().Bytes()).Replace("\"b\":98", "\"a\":98", StringComparison.Ordinal);
        FluentActions.Invoking(() => TokenizerLoader.ParseJson(System.Text.Encoding.UTF8.GetBytes(json), "f")).Should()
            .Throw<TokenizerException>().WithMessage("f: model.vocab['a']: appears twice.");
    }

    [Fact]
    public void A_directory_without_tokenizer_gives_none_or_an_error()
    {
        TokenizerLoader.TryOpen(_directory).Should().BeNull();
        FluentActions.Invoking(() => TokenizerLoader.Open(_directory)).Should().Throw<TokenizerException>()
            .WithMessage("*has no tokenizer.json, tokenizer.model or spiece.model; supported are*");
    }

    [Fact]
    public void SentencePiece_style_json_falls_back_to_the_model_beside_it_and_else_is_refused()
    {
        File.WriteAllBytes(Path.Combine(_directory, "tokenizer.json"), new TokenizerJsonBuilder().With("model.byte_fallback", "true").Bytes());
        FluentActions.Invoking(() => TokenizerLoader.Open(_directory)).Should().Throw<TokenizerException>()
            .WithMessage("*tokenizer.json: model.byte_fallback: is true;*has no tokenizer.model or spiece.model either; supported are*");
        File.WriteAllBytes(Path.Combine(_directory, "tokenizer.model"), SentencePieceModelWriter.SmallBpe().Bytes());
        TokenizerLoader.Open(_directory).Encode("ab")[0].Should().Be(1);
    }

    [Fact]
    public void Damaged_json_is_an_error_even_with_a_model_beside_it()
    {
        File.WriteAllText(Path.Combine(_directory, "tokenizer.json"), "{");
        File.WriteAllBytes(Path.Combine(_directory, "tokenizer.model"), SentencePieceModelWriter.SmallBpe().Bytes());
        FluentActions.Invoking(() => TokenizerLoader.Open(_directory)).Should().Throw<TokenizerException>().WithMessage("*tokenizer.json*JSON*");
    }
}
