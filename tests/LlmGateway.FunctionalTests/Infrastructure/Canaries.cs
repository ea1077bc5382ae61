using System.Security.Cryptography;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Secrets that exist once in the world, so that one found anywhere it should not be is a leak and nothing else.</summary>
internal sealed class Canaries
{
    /// <summary>What every canary of this run holds.</summary>
    public static readonly string Marker = "cnry" + RandomNumberGenerator.GetHexString(8, lowercase: true);

    // No hexadecimal digit and no vowel: the last eight characters of one are found nowhere by chance.
    private const string EndLetters = "ghjkmnpqrstvwxz";

    private readonly List<string> _secrets = [];

    static Canaries() => KeptOutput.OfThisRun?.Forbid(SecretShapes.Inside(Marker));

    /// <summary>A new secret; its prefix says in a failing test which one leaked.</summary>
    public string New(string prefix)
    {
        var secret = $"{prefix}-{Marker}{RandomNumberGenerator.GetHexString(16, lowercase: true)}{RandomNumberGenerator.GetString(EndLetters, SecretShapes.Tail)}";
        _secrets.Add(secret);
        KeptOutput.OfThisRun?.Forbid(SecretShapes.Of(secret));
        return secret;
    }

    public IReadOnlyList<string> All => _secrets;

    /// <summary>All but one: what the provider that owns <paramref name="own"/> must never see.</summary>
    public string[] Except(string own) => [.. _secrets.Where(secret => secret != own)];

    /// <summary>No secret is in the text, in none of its <see cref="SecretShapes"/>.</summary>
    public void AssertNoCanary(string? text)
    {
        foreach (var shape in _secrets.SelectMany(SecretShapes.Of))
        {
            Assert.DoesNotContain(shape, text ?? "", StringComparison.OrdinalIgnoreCase);
        }
    }
}
