using System.Text;
using System.Text.Json;
using LlmGateway.Api;

namespace LlmGateway.Tests.Api;

public sealed class JsonTokenReaderTests
{
    private static readonly string[] Seeds =
    [
        """{"model":"m","messages":[{"role":"user","content":"a\"b\\c\n\u00fc\ud83d\ude00/\/"}],"n":-0.5e+10,"x":[true,false,null,{},[],0,12,1E5]}""",
        " [ 1 , 2.50 , \"\\u0000\" , { \"a\" : { \"b\" : [ ] } } ] \r\n\t",
        "\"text\"", "-1", "0", "true", "null", "{}", "[]", "{\"\":\"\"}",
    ];

    /// <summary>All tokens as text, or null where the document is broken.</summary>
    private static string? Own(ReadOnlySpan<byte> json)
    {
        var reader = new JsonTokenReader(json, 64);
        var tokens = new StringBuilder();
        try
        {
            while (reader.Read())
            {
                tokens.Append(reader.TokenType).Append(' ').Append(reader.TokenStartIndex).Append(' ').Append(Convert.ToHexString(reader.ValueSpan)).Append(reader.ValueIsEscaped).Append('\n');
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return tokens.ToString();
    }

    private static string? Frameworks(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var tokens = new StringBuilder();
        try
        {
            while (reader.Read())
            {
                tokens.Append(reader.TokenType).Append(' ').Append(reader.TokenStartIndex).Append(' ').Append(Convert.ToHexString(reader.ValueSpan)).Append(reader.ValueIsEscaped).Append('\n');
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return tokens.ToString();
    }

    [Fact]
    public void Read_AnyMutation_AgreesWithTheFrameworksReader()
    {
        const string Alphabet = "{}[]\":,\\/ \n\t0123456789.eE+-truefalsn\u0001u\ud83d";
        var random = new Random(20260101);
        var alphabet = Encoding.UTF8.GetBytes(Alphabet.Replace("\ud83d", "é", StringComparison.Ordinal));
        var accepted = 0;
        for (var round = 0; round < 60_000; round++)
        {
            var json = Encoding.UTF8.GetBytes(Seeds[random.Next(Seeds.Length)]).ToList();
            for (var edit = random.Next(4); edit > 0 && json.Count > 0; edit--)
            {
                var at = random.Next(json.Count);
                switch (random.Next(3))
                {
                    case 0:
                        json.RemoveAt(at);
                        break;
                    case 1:
                        json.Insert(at, alphabet[random.Next(alphabet.Length)]);
                        break;
                    default:
                        json[at] = alphabet[random.Next(alphabet.Length)];
                        break;
                }
            }

            var bytes = json.ToArray();
            var expected = Frameworks(bytes);
            Assert.True(expected == Own(bytes), $"round {round}: {Encoding.UTF8.GetString(bytes)}");
            accepted += expected is null ? 0 : 1;
        }

        Assert.InRange(accepted, 1000, 59_000);
    }

    [Theory]
    [InlineData(@"""\ud83d\ude00""", false)]
    [InlineData(@"""\ud83d""", true)]
    [InlineData(@"""\ude00\ud83d""", true)]
    [InlineData(@"""\ud83d\ud83d\ude00""", true)]
    [InlineData(@"""\ud83d\n\ude00""", true)]
    [InlineData(@"""\\ud83d""", false)]
    [InlineData(@"""\uD7FF\uE000""", false)]
    public void HasLoneSurrogate_HalfOfAPair_IsNoted(string json, bool expected)
    {
        var reader = new JsonTokenReader(Encoding.UTF8.GetBytes(json), 64);

        Assert.True(reader.Read());
        Assert.Equal(expected, reader.HasLoneSurrogate);
    }

    [Fact]
    public void GetString_Escaped_IsUnescaped()
    {
        var reader = new JsonTokenReader("\"mod\\u0065l\""u8, 64);
        reader.Read();

        Assert.Equal("model", reader.GetString());
    }

    [Theory]
    [InlineData("""model""", true)]
    [InlineData("""mod\u0065l""", true)]
    [InlineData("""\u006d\u006F\u0064\u0065\u006c""", true)]
    [InlineData("""\u006d""", false)]
    [InlineData("""mod\u0065""", false)]
    [InlineData("""mod\u0065l\u0000""", false)]
    [InlineData("""mod\u0065ls""", false)]
    [InlineData("""mod\u00e9l""", false)]
    [InlineData("""mod\u0165l""", false)]
    [InlineData("""\nodel""", false)]
    [InlineData("""\\model""", false)]
    [InlineData("", false)]
    public void ValueTextEquals_AnyForm_IsOfWhatItSays(string json, bool expected)
    {
        var reader = new JsonTokenReader(Encoding.UTF8.GetBytes($"\"{json}\""), 64);
        reader.Read();

        Assert.Equal(expected, reader.ValueTextEquals("model"u8));
    }

    [Fact]
    public void ValueTextEquals_EveryEscape_IsWhatTheFrameworksReaderSays()
    {
        foreach (var escape in (string[])["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", .. Enumerable.Range(0, 0x80).Select(unit => $"\\u{unit:x4}")])
        {
            var json = Encoding.UTF8.GetBytes($"\"a{escape}\"");
            var own = new JsonTokenReader(json, 64);
            var frameworks = new Utf8JsonReader(json);
            own.Read();
            frameworks.Read();

            Assert.True(own.ValueTextEquals(Encoding.ASCII.GetBytes(frameworks.GetString()!)), escape);
        }
    }

    [Theory]
    [InlineData("{\n  \"a\": tru }", 1, 7)]
    [InlineData("[1,]", 0, 3)]
    public void Read_Broken_TellsWhere(string json, int line, int position)
    {
        var exception = Assert.Throws<JsonException>(() =>
        {
            var reader = new JsonTokenReader(Encoding.UTF8.GetBytes(json), 64);
            while (reader.Read())
            {
            }
        });

        Assert.Equal((line, position), (exception.LineNumber, exception.BytePositionInLine));
    }
}
