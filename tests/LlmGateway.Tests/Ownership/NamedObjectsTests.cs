using System.Text;
using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

/// <summary>Which objects a body names, wherever it is cut.</summary>
public sealed class NamedObjectsTests
{
    [Theory]
    [InlineData("""{"model":"gpt-5","previous_response_id":"resp_1","input":"file_id: file-9"}""", "resp_1")]
    [InlineData("""{"conversation":"conv_1"}""", "conv_1")]
    [InlineData("""{"conversation" : { "id" : "conv_1" } }""", "conv_1")]
    [InlineData("""{"input_file_id":"file-1","endpoint":"/v1/responses"}""", "file-1")]
    [InlineData("""{"file_ids":["file-1", "file-2" ,"file-3"]}""", "file-1 file-2 file-3")]
    [InlineData("""{"file_ids":["file-1",{"x":"no-1","y":["no-2"]},"file-2"]}""", "file-1 file-2")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"},{"type":"input_text","text":"no-1"}]},{"type":"item_reference","id":"msg_1"}]}""", "file-1")]
    [InlineData("""{"id":"no-1","files":[{"id":"file-1"},{"tools":{"id":"no-2"}}],"container":{"memory":{"id":"no-3"},"id":"cntr_1"}}""", "file-1 cntr_1")]
    [InlineData("""{"tools":[{"type":"file_search","vector_store_ids":["vs_1"]},{"type":"code_interpreter","container":"cntr_1"}]}""", "vs_1 cntr_1")]
    [InlineData("""{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}]}""", "file-1")]
    [InlineData("""{"training_file":"file-1","validation_file":"file-2","assistant_id":"asst_1"}""", "file-1 file-2 asst_1")]
    [InlineData("""{"fil\u0065_id":"\u0066ile\u002d1"}""", "file-1")]
    [InlineData("""{"file_id":"a\"b\\1"}""", "a\"b\\1")]
    [InlineData("""{"FILE_ID":"file-1"}""", "file-1")]
    [InlineData("""{"input":[{"type":"function_call_output","call_id":"call_1","output":"file-1"}],"tool_call_id":"call_2"}""", "")]
    [InlineData("""{"metadata":{"note":"file-1"},"file_id":"word","files":[1,true,null,{}]}""", "")]
    [InlineData("""{"text":"\"file_id\":\"file-1\""}""", "")]
    public void Texts_under_the_names_of_references_are_found(string body, string named)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var objects = new NamedObjects();
            objects.Read(bytes.AsSpan(0, cut));
            var found = objects.TakeFound().ToList();
            objects.Read(bytes.AsSpan(cut));
            found.AddRange(objects.TakeFound());

            Assert.Equal(named, string.Join(' ', found));
        }
    }

    [Fact]
    public void A_name_is_found_before_the_body_is_whole()
    {
        var objects = new NamedObjects();

        objects.Read("""{"file_id":"file-1" """u8);
        Assert.Empty(objects.TakeFound());
        objects.Read("}"u8);

        Assert.Equal(["file-1"], objects.TakeFound());
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    public void In_another_encoding_it_is_the_same(string encoding)
    {
        var objects = new NamedObjects();
        var encoder = Encoding.GetEncoding(encoding);

        objects.Read([.. encoder.GetPreamble(), .. encoder.GetBytes("""{"file_ids":["file-1"]}""")]);

        Assert.Equal(["file-1"], objects.TakeFound());
    }

    [Fact]
    public void Long_texts_and_deep_ones_and_what_is_no_JSON_do_no_harm()
    {
        var objects = new NamedObjects();
        objects.Read(Encoding.UTF8.GetBytes("""{"file_id":"file-""" + new string('1', 100_000) + "\"}"));
        objects.Read(Encoding.UTF8.GetBytes(new string('[', 100_000) + new string(']', 100_000)));
        objects.Read(Encoding.UTF8.GetBytes("]]}}\\\u0001:,{{\"\\u12"));
        objects.Read([0xFF, 0xFE, (byte)'"', (byte)':', (byte)'"', 0xC3, (byte)'"', (byte)',']);

        Assert.Empty(objects.TakeFound());
    }
}
