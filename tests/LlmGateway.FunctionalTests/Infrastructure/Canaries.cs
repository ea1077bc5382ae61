using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Secrets that exist once in the world, so that one found anywhere it should not be is a leak and nothing else.</summary>
internal sealed class Canaries
{
    private readonly List<string> _secrets = [];

    /// <summary>A new secret; its prefix says in a failing test which one leaked.</summary>
    public string New(string prefix)
    {
        var secret = prefix + "-" + RandomNumberGenerator.GetHexString(32, lowercase: true);
        _secrets.Add(secret);
        return secret;
    }

    public IReadOnlyList<string> All => _secrets;

    /// <summary>All but one: what the provider that owns <paramref name="own"/> must never see.</summary>
    public string[] Except(string own) => [.. _secrets.Where(secret => secret != own)];

    /// <summary>No secret is in the text: not plain, not in base64, not URL-encoded, not hashed, not its last eight characters.</summary>
    public void AssertNoCanary(string? text)
    {
        foreach (var secret in _secrets)
        {
            var bytes = Encoding.UTF8.GetBytes(secret);
            string[] shapes =
            [
                secret, secret[^8..], Uri.EscapeDataString(secret), Convert.ToBase64String(bytes).TrimEnd('='),
                Convert.ToHexString(SHA256.HashData(bytes)), Convert.ToBase64String(SHA256.HashData(bytes)).TrimEnd('='),
            ];
            foreach (var shape in shapes)
            {
                Assert.DoesNotContain(shape, text ?? "", StringComparison.OrdinalIgnoreCase);
            }
        }
    }
}
